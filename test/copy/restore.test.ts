import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CancelledError, RepositoryError } from '../../src/base/errors.ts';
import { compilePatterns } from '../../src/copy/source/patterns.ts';
import { makeRandomTree } from '../support/random-tree.ts';
import { createRandom, scaled } from '../support/seed.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { readTree } from '../support/tree-entry.ts';
import { restoreAll, stateOf } from './copying.ts';

import { files, portrait, staged } from './restore-fixtures.ts';

const MiB = 2 ** 20;

describe('a restore', () => {
  it('by overwrite mode treats existing files as it says', async (t) => {
    const place = await staged(t, (source) => {
      for (const name of ['equal', 'older', 'newer', 'sly', 'absent'])
        writeFileSync(join(source, name), `snapshot of ${name}`);
      for (const name of readdirSync(source)) utimesSync(join(source, name), 1000, 1000);
    });
    const expected = {
      always: { older: 'snapshot', newer: 'snapshot', sly: 'snapshot' },
      'if-changed': { older: 'snapshot', newer: 'snapshot', sly: 'tampered' },
      'if-newer': { older: 'snapshot', newer: 'tampered', sly: 'tampered' },
      never: { older: 'tampered', newer: 'tampered', sly: 'tampered' },
    } as const;
    for (const overwrite of ['always', 'if-changed', 'if-newer', 'never'] as const) {
      const target = join(place.folder, overwrite);
      mkdirSync(target);
      writeFileSync(join(target, 'equal'), 'snapshot of equal');
      utimesSync(join(target, 'equal'), 1000, 1000);
      for (const [name, time] of [
        ['older', 500],
        ['newer', 2000],
        ['sly', 1000],
      ] as const) {
        writeFileSync(join(target, name), `tampered of ${name}`);
        utimesSync(join(target, name), time, time);
      }
      await restoreAll(place.repository, target, { overwrite });
      for (const [name, wanted] of Object.entries(expected[overwrite])) {
        assert.equal(
          readFileSync(join(target, name), 'utf8'),
          `${wanted} of ${name}`,
          `${overwrite}: ${name}`,
        );
      }
      assert.equal(readFileSync(join(target, 'absent'), 'utf8'), 'snapshot of absent');
      assert.equal(readFileSync(join(target, 'equal'), 'utf8'), 'snapshot of equal');
    }
  });

  it('takes only what is included, and nothing that is excluded', async (t) => {
    const place = await staged(
      t,
      files('a/keep.txt', 'a/skip.log', 'a/b/keep.txt', 'c/keep.txt', 'c/skip.log'),
    );
    const paths = (target: string): string[] =>
      readTree(target)
        .filter(({ status }) => status.type === 'file')
        .map(({ path }) => path.join('/'));
    const included = join(place.folder, 'included');
    await restoreAll(place.repository, included, { include: compilePatterns(['/a/**/*.txt']) });
    assert.deepEqual(paths(included), ['a/b/keep.txt', 'a/keep.txt']);
    assert.equal(existsSync(join(included, 'c')), false);
    const excluded = join(place.folder, 'excluded');
    files('c/extra.log', 'extra.log', 'extra.txt')(excluded);
    await restoreAll(place.repository, excluded, {
      exclude: compilePatterns(['*.log', '/a/b']),
      delete: true,
    });
    assert.deepEqual(paths(excluded), ['a/keep.txt', 'c/extra.log', 'c/keep.txt', 'extra.log']);
  });

  it('of a path in the snapshot restores a folder’s contents, one file, or says that it is not there', async (t) => {
    const place = await staged(t, files('a/b/file', 'a/other'));
    const folder = join(place.folder, 'folder');
    await restoreAll(place.repository, folder, { snapshot: 'latest:/v/a/b' });
    assert.deepEqual(compareTrees(join(place.source, 'a', 'b'), folder), []);
    const one = join(place.folder, 'one');
    mkdirSync(one);
    writeFileSync(join(one, 'beside'), 'stays');
    await restoreAll(place.repository, one, { snapshot: 'latest:v/a/b/file', delete: true });
    assert.deepEqual(readdirSync(one).toSorted(), ['beside', 'file']);
    assert.equal(readFileSync(join(one, 'file'), 'utf8'), 'contents of a/b/file');
    for (const path of ['/v/none', '/v/a/b/file/below', '/none']) {
      await assert.rejects(
        restoreAll(place.repository, place.target, { snapshot: `latest:${path}` }),
        (error) => {
          assert.ok(error instanceof RepositoryError);
          assert.equal(error.code, 'not-found');
          assert.match(error.message, new RegExp(`${path}|${path.split('/').slice(0, -1).join('/')}`));
          return true;
        },
      );
    }
    assert.equal(existsSync(place.target), false);
  });

  it('with --delete removes what the snapshot does not have, of every type', async (t) => {
    const place = await staged(t, files('kept', 'folder/kept'));
    await restoreAll(place.repository, place.target);
    makeRandomTree(join(place.target, 'extra'), 21);
    files('folder/extra')(place.target);
    symlinkSync(place.source, join(place.target, 'link'));
    const before = portrait(place.source);
    const restored = await restoreAll(place.repository, place.target, { delete: true });
    assert.equal(restored.counts.deleted, 3);
    assert.deepEqual(compareTrees(place.source, place.target), []);
    assert.deepEqual(portrait(place.source), before);
  });

  it('that is dry changes nothing and says what it would do', async (t) => {
    const place = await staged(t, files('equal', 'changed', 'missing'));
    files('equal', 'extra')(place.target);
    writeFileSync(join(place.target, 'changed'), 'other contents');
    const before = portrait(place.target);
    const restored = await restoreAll(place.repository, place.target, { dryRun: true, delete: true });
    assert.deepEqual(portrait(place.target), before);
    assert.ok(restored.items.includes('restored missing'));
    assert.ok(restored.items.includes('updated changed'));
    assert.ok(restored.items.includes('deleted extra'));
    await restoreAll(place.repository, join(place.folder, 'absent'), { dryRun: true });
    assert.equal(existsSync(join(place.folder, 'absent')), false);
  });

  it('of a large file that changed writes the differing chunks only, into the same inode', async (t) => {
    const contents = createRandom(31).bytes(40 * MiB);
    const place = await staged(t, (source) => writeFileSync(join(source, 'large'), contents));
    await restoreAll(place.repository, place.target);
    const path = join(place.target, 'large');
    const { ino } = statSync(path);
    const changed = Buffer.from(contents);
    changed.fill('x', 10 * MiB, 10 * MiB + 100);
    changed.fill('y', 30 * MiB, 30 * MiB + 100);
    writeFileSync(path, changed);
    let readBytes = 0;
    const get = place.repository.store.get.bind(place.repository.store);
    t.mock.method(place.repository.store, 'get', async (...args: Parameters<typeof get>) => {
      const bytes = await get(...args);
      if (args[0].startsWith('data/')) readBytes += bytes.length;
      return bytes;
    });
    const restored = await restoreAll(place.repository, place.target);
    assert.deepEqual(
      restored.items.filter((item) => item.endsWith('large')),
      ['updated large'],
    );
    assert.ok(readFileSync(path).equals(contents));
    assert.equal(statSync(path).ino, ino);
    assert.ok(readBytes < 22 * MiB, `${readBytes} bytes were fetched`);
  });

  it('keeps holes and makes none where none was asked for', async (t) => {
    const place = await staged(t, (source) => {
      writeFileSync(join(source, 'holes'), '');
      const data = createRandom(32).bytes(MiB);
      writeFileSync(
        join(source, 'holes'),
        Buffer.concat([Buffer.alloc(20 * MiB), data, Buffer.alloc(20 * MiB)]),
      );
    });
    await restoreAll(place.repository, place.target);
    const sparse = statSync(join(place.target, 'holes'));
    assert.ok(sparse.blocks * 512 < 2 * MiB, `${sparse.blocks} blocks`);
    const dense = join(place.folder, 'dense');
    await restoreAll(place.repository, dense, { sparse: false });
    assert.ok(statSync(join(dense, 'holes')).blocks * 512 >= 40 * MiB);
    for (const root of [place.target, dense]) {
      assert.deepEqual(compareTrees(place.source, root, { ignore: ['allocation'] }), []);
    }
    await restoreAll(place.repository, dense);
    assert.deepEqual(compareTrees(place.source, dense, { ignore: ['allocation'] }), []);
  });

  it('of zeros over other bytes writes the zeros', async (t) => {
    const place = await staged(t, (source) => writeFileSync(join(source, 'zeros'), Buffer.alloc(3 * MiB)));
    mkdirSync(place.target);
    writeFileSync(join(place.target, 'zeros'), createRandom(33).bytes(3 * MiB + 10_000));
    await restoreAll(place.repository, place.target);
    assert.ok(readFileSync(join(place.target, 'zeros')).equals(Buffer.alloc(3 * MiB)));
    assert.deepEqual(compareTrees(place.source, place.target), []);
  });

  it('that is cancelled at any moment is completed by the next', async (t) => {
    const place = await staged(t, (source) => {
      makeRandomTree(source, 34, { entries: 150, largeFiles: 4 });
    });
    const random = createRandom(35);
    for (let round = 0; round < scaled(6, 40); round++) {
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(), random.below(400));
      await restoreAll(place.repository, place.target, { signal: controller.signal, delete: true }).catch(
        (error) => {
          assert.ok(error instanceof CancelledError, String(error));
        },
      );
      clearTimeout(timer);
      assert.equal((await stateOf(place.repository)).locks, 0);
    }
    await restoreAll(place.repository, place.target, { delete: true });
    assert.deepEqual(compareTrees(place.source, place.target), []);
  });
});
