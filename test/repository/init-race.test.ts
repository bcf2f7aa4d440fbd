import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RepositoryError } from '../../src/base/errors.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { intercept } from '../../src/providers/objects/intercept.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { Repository } from '../../src/repository/repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { weakScrypt } from '../support/weak-key.ts';
import { password } from './lock-fixtures.ts';

/** Puts of keys wait until all of `count` processes have come as far: nobody has seen another's files before. */
function meetingAtKey(driver: ObjectDriver, count: number): ObjectDriver {
  let arrived = 0;
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  return intercept(driver, {
    run: async ({ kind, key }, work) => {
      if (kind === 'put' && key.startsWith('keys/')) {
        if (++arrived === count) open();
        await gate;
      }
      return work();
    },
    stream: (_operation, start) => start(),
  });
}

async function initAll(stores: readonly ObjectStore[]): Promise<Repository> {
  const attempts = await Promise.allSettled(
    stores.map((store) => Repository.init(store, { password, scryptCost: weakScrypt })),
  );
  const made = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  for (const attempt of attempts) {
    if (attempt.status === 'fulfilled') continue;
    assert.ok(attempt.reason instanceof RepositoryError, String(attempt.reason));
    assert.equal(attempt.reason.code, 'already-exists');
  }
  const [winner] = made;
  assert.equal(made.length, 1, 'one of them makes the repository');
  assert.ok(winner !== undefined);
  return winner;
}

async function assertOpens(store: ObjectStore, winner: Repository): Promise<void> {
  const repository = await Repository.open(store, { password });
  assert.equal(repository.config.id, winner.config.id);
  assert.deepEqual(repository.masterKey, winner.masterKey);
  assert.deepEqual(await repository.listIds('keys'), [winner.keyId], 'no key is left that opens nothing');
}

describe('two that make a repository at one moment', () => {
  for (const count of [2, 3]) {
    it(`(${count} of them) leave one that opens`, async () => {
      const driver = new MemoryDriver();
      const store = new ObjectStore(meetingAtKey(driver, count));
      const winner = await initAll(Array.from({ length: count }, () => store));
      await assertOpens(new ObjectStore(driver), winner);
    });
  }

  it('in one folder leave one that opens', async (t) => {
    for (let round = 0; round < 5; round++) {
      const location = temporaryFolder(t);
      const winner = await initAll([await openStore(location), await openStore(location)]);
      await assertOpens(await openStore(location), winner);
    }
  });
});
