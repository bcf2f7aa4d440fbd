import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CancelledError } from '../../src/base/errors.ts';
import { temporaryName } from '../../src/copy/restore/replacement.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { restoreAll } from './copying.ts';
import { files, staged } from './restore-fixtures.ts';
import type { Staged } from './restore-fixtures.ts';

/** Flips a bit of a file's one blob in its pack. */
async function damageBlob(place: Staged, contents: string): Promise<void> {
  const index = await loadIndex(place.repository);
  const slice = index.locate('data', createHash('sha256').update(contents).digest('hex'));
  assert.ok(slice !== undefined);
  const path = join(place.location, 'data', slice.packId.slice(0, 2), slice.packId);
  const bytes = readFileSync(path);
  const position = slice.offset + 20;
  bytes[position] = (bytes[position] ?? 0) ^ 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

describe('a file that is to be replaced', () => {
  it('is not lost when the blob of its successor is damaged', async (t) => {
    const place = await staged(t, files('damaged', 'good'));
    mkdirSync(place.target);
    for (const name of ['damaged', 'good']) {
      writeFileSync(join(place.target, name), `old ${name}`);
      linkSync(join(place.target, name), join(place.target, `${name}-2`));
    }
    await damageBlob(place, 'contents of damaged');
    const restored = await restoreAll(place.repository, place.target);
    assert.deepEqual([...restored.errors.keys()], ['damaged']);
    assert.equal(restored.isPartial, true);
    assert.deepEqual(readdirSync(place.target).toSorted(), ['damaged', 'damaged-2', 'good', 'good-2']);
    assert.equal(readFileSync(join(place.target, 'damaged'), 'utf8'), 'old damaged');
    assert.equal(readFileSync(join(place.target, 'good'), 'utf8'), 'contents of good');
    assert.equal(readFileSync(join(place.target, 'good-2'), 'utf8'), 'old good');
  });

  for (const overwrite of ['always', 'if-changed'] as const) {
    it(`leaves a file outside of the target as it is that has as many names (${overwrite})`, async (t) => {
      const place = await staged(t, (source) => {
        files('first')(source);
        chmodSync(join(source, 'first'), 0o600);
        utimesSync(join(source, 'first'), 1000, 1000);
        linkSync(join(source, 'first'), join(source, 'second'));
      });
      const outside = join(place.folder, 'outside');
      writeFileSync(outside, 'contents of first');
      chmodSync(outside, 0o644);
      utimesSync(outside, 1000, 1000);
      mkdirSync(place.target);
      linkSync(outside, join(place.target, 'first'));
      const restored = await restoreAll(place.repository, place.target, { overwrite });
      assert.deepEqual([...restored.errors.values()], []);
      const { mode, mtimeMs, nlink, ino } = statSync(outside);
      assert.deepEqual([mode & 0o7777, mtimeMs, nlink], [0o644, 1_000_000, 1]);
      assert.notEqual(statSync(join(place.target, 'first')).ino, ino);
      assert.equal(readFileSync(outside, 'utf8'), 'contents of first');
      assert.deepEqual(compareTrees(place.source, place.target), []);
    });
  }

  it('leaves no temporary file behind once a restore that was killed is repeated', async (t) => {
    const place = await staged(t, files('linked', 'plain'));
    mkdirSync(place.target);
    // Where the killed restore stood: the successor half written, its name not given up yet.
    writeFileSync(join(place.target, 'linked'), 'old');
    linkSync(join(place.target, 'linked'), join(place.folder, 'outside'));
    const temporary = temporaryName(Buffer.from('linked')).toString();
    assert.match(temporary, /^\.tranship-/);
    writeFileSync(join(place.target, temporary), 'contents of');
    const restored = await restoreAll(place.repository, place.target);
    assert.deepEqual([...restored.errors.values()], []);
    assert.deepEqual(readdirSync(place.target).toSorted(), ['linked', 'plain']);
    assert.deepEqual(compareTrees(place.source, place.target), []);
    assert.equal(readFileSync(join(place.folder, 'outside'), 'utf8'), 'old');
    rmSync(join(place.folder, 'outside'));
  });
});

describe('many small files', () => {
  const names = Array.from({ length: 300 }, (_, i) => `folder-${i % 3}/file-${i}`);

  function fillTarget({ target, folder }: Staged): void {
    mkdirSync(join(folder, 'outside'));
    for (const [i, name] of names.entries()) {
      mkdirSync(join(target, name, '..'), { recursive: true });
      writeFileSync(join(target, name), `old ${name}`);
      // With a name outside of the target, so that it is replaced and not written to.
      linkSync(join(target, name), join(folder, 'outside', String(i)));
    }
  }

  it('that replace others are each the old or the new one when the restore is cancelled', async (t) => {
    const place = await staged(t, files(...names));
    for (const restoredFirst of [0, 1, 100]) {
      rmSync(place.target, { recursive: true, force: true });
      rmSync(join(place.folder, 'outside'), { recursive: true, force: true });
      fillTarget(place);
      const controller = new AbortController();
      let seen = 0;
      const restored = restoreAll(place.repository, place.target, {
        workers: 2,
        signal: controller.signal,
        onEvent: ({ type }) => {
          if (type === 'item' && seen++ === restoredFirst) controller.abort();
        },
      });
      await assert.rejects(restored, CancelledError);
      for (const name of names) {
        assert.ok(
          [`old ${name}`, `contents of ${name}`].includes(readFileSync(join(place.target, name), 'utf8')),
        );
      }
    }
    await restoreAll(place.repository, place.target, { delete: true });
    assert.deepEqual(compareTrees(place.source, place.target), []);
  });

  it('are restored but for those whose folder cannot be made', async (t) => {
    const place = await staged(t, files(...names));
    mkdirSync(place.target);
    writeFileSync(join(place.target, 'folder-1'), 'in the way');
    const restored = await restoreAll(place.repository, place.target, { overwrite: 'never', workers: 2 });
    assert.deepEqual([...restored.errors.keys()].slice(0, 1), ['folder-1']);
    for (const [i, name] of names.entries()) {
      if (i % 3 !== 1) assert.equal(readFileSync(join(place.target, name), 'utf8'), `contents of ${name}`);
    }
    assert.equal(readFileSync(join(place.target, 'folder-1'), 'utf8'), 'in the way');
  });

  it('of several names are one file each again, in the first restore and in the next', async (t) => {
    const place = await staged(t, (source) => {
      files(...names)(source);
      for (const [i, name] of names.entries()) {
        if (i % 10 === 0) linkSync(join(source, name), join(source, `further-${i}`));
      }
    });
    for (const deletes of [false, true]) {
      const restored = await restoreAll(place.repository, place.target, { workers: 2, delete: deletes });
      assert.deepEqual([...restored.errors.values(), ...restored.warned.values()], []);
      assert.deepEqual(compareTrees(place.source, place.target), []);
    }
  });
});
