import assert from 'node:assert/strict';
import {
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { compareTrees } from '../support/tree-compare.ts';
import { restoreAll } from './copying.ts';
import { files, staged } from './restore-fixtures.ts';
import type { Staged } from './restore-fixtures.ts';

const own = 'the user’s own';

/** A pair of hard links, a folder and a symbolic link, all of them from the second 1000. */
function stagedKinds(t: TestContext): Promise<Staged> {
  return staged(t, (source) => {
    files('first', 'folder/inner')(source);
    linkSync(join(source, 'first'), join(source, 'second'));
    symlinkSync('snapshot', join(source, 'link'));
    for (const name of ['first', 'folder']) utimesSync(join(source, name), 1000, 1000);
    lutimesSync(join(source, 'link'), 1000, 1000);
  });
}

function writeOwn(target: string, name: string, time: number): void {
  writeFileSync(join(target, name), own);
  utimesSync(join(target, name), time, time);
}

describe('an existing entry that the overwrite mode keeps', () => {
  for (const overwrite of ['never', 'if-newer'] as const) {
    for (const kept of ['first', 'second', 'both'] as const) {
      it(`is not lost where the snapshot has a hard link (${overwrite}, ${kept})`, async (t) => {
        const place = await stagedKinds(t);
        mkdirSync(place.target);
        const names = kept === 'both' ? ['first', 'second'] : [kept];
        for (const name of names) writeOwn(place.target, name, 2000);
        const before = names.map((name) => statSync(join(place.target, name)).ino);
        const restored = await restoreAll(place.repository, place.target, { overwrite });
        assert.deepEqual([...restored.errors.values()], []);
        for (const name of ['first', 'second']) {
          const expected = names.includes(name) ? own : 'contents of first';
          assert.equal(readFileSync(join(place.target, name), 'utf8'), expected, name);
        }
        assert.deepEqual(
          names.map((name) => statSync(join(place.target, name)).ino),
          before,
        );
      });
    }

    it(`is not lost as a file where the snapshot has a folder (${overwrite})`, async (t) => {
      const place = await stagedKinds(t);
      mkdirSync(place.target);
      writeOwn(place.target, 'folder', 2000);
      const restored = await restoreAll(place.repository, place.target, { overwrite });
      assert.equal(restored.isPartial, true);
      assert.deepEqual([...restored.errors.keys()], ['folder']);
      assert.equal(restored.errors.get('folder')?.code, 'conflict');
      assert.equal(readFileSync(join(place.target, 'folder'), 'utf8'), own);
      assert.equal(readFileSync(join(place.target, 'first'), 'utf8'), 'contents of first');
    });

    it(`is not lost where the snapshot has a symbolic link (${overwrite})`, async (t) => {
      const place = await stagedKinds(t);
      mkdirSync(place.target);
      writeOwn(place.target, 'link', 2000);
      const restored = await restoreAll(place.repository, place.target, { overwrite });
      assert.deepEqual([...restored.errors.values()], []);
      assert.ok(lstatSync(join(place.target, 'link')).isFile());
      assert.equal(readFileSync(join(place.target, 'link'), 'utf8'), own);
    });
  }

  it('gives way when it is older than the snapshot’s (if-newer)', async (t) => {
    const place = await stagedKinds(t);
    mkdirSync(place.target);
    for (const name of ['first', 'second', 'folder', 'link']) writeOwn(place.target, name, 500);
    const restored = await restoreAll(place.repository, place.target, { overwrite: 'if-newer' });
    assert.deepEqual([...restored.errors.values()], []);
    assert.deepEqual(compareTrees(place.source, place.target), []);
  });
});
