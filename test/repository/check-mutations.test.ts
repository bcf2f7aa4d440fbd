import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RepositoryError } from '../../src/base/errors.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import { checkObjects } from './check-objects.ts';
import { copyOf, flipBit, objectOf, smallRepository } from './small-repository.ts';
import type { Objects } from './small-repository.ts';

const sound = copyOf((await smallRepository()).driver);

describe('P10: any one mutation of any file', () => {
  it('is found by a check that reads all data, or the repository does not open', async (t) => {
    const keys = [...sound.keys()];
    await forEachSeed(t, scaled(150, 10_000), async (seed) => {
      const random = createRandom(seed);
      const objects: Objects = new Map([...sound].map(([key, bytes]) => [key, Buffer.from(bytes)]));
      const key = keys[random.below(keys.length)] ?? '';
      const what = mutate(objects, key, keys, random);
      try {
        const report = await checkObjects(objects, { readData: 'all' });
        const wasDeletion = what === 'deleted' && /^(index|snapshots)/.test(key);
        // A snapshot that is gone leaves no trace, and what only a lost index knew shows as orphans.
        if (wasDeletion) assert.ok(key.startsWith('snapshots') || report.errorCount + report.hintCount > 0);
        else assert.ok(report.errorCount > 0, `${key} ${what}: not found`);
      } catch (error) {
        assert.ok(error instanceof RepositoryError, `${key} ${what}: ${String(error)}`);
        assert.match(key, /^(config|keys)/);
      }
    });
  });
});

function mutate(
  objects: Objects,
  key: string,
  keys: readonly string[],
  random: ReturnType<typeof createRandom>,
): string {
  const bytes = objectOf(objects, key);
  const how = random.pick(['flipped', 'truncated', 'replaced', 'zeroed', 'deleted']);
  switch (how) {
    case 'flipped':
      flipBit(bytes, random.below(bytes.length), random.below(8));
      return how;
    case 'truncated':
      objects.set(key, bytes.subarray(0, random.below(bytes.length)));
      return how;
    case 'replaced': {
      const other = keys[(keys.indexOf(key) + 1 + random.below(keys.length - 1)) % keys.length] ?? key;
      objects.set(key, objectOf(objects, other));
      return how;
    }
    case 'zeroed': {
      // The last bytes of a pack are zero already.
      const end = bytes.findLastIndex((byte) => byte !== 0);
      bytes.fill(0, random.below(end + 1));
      return how;
    }
    default:
      objects.delete(key);
      return how;
  }
}
