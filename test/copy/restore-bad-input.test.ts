import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FileSystemError } from '../../src/base/errors.ts';
import { rootTest, skipLoudly } from '../support/root-test.ts';
import { createRandom } from '../support/seed.ts';
import { compareTrees } from '../support/tree-compare.ts';
import {
  pathText,
  restoreAll,
  smallFileSystem,
  stageAll,
  stateOf,
  verifyAll,
  withoutRights,
  workplace,
} from './copying.ts';

import { files, packsOf, portrait, staged } from './restore-fixtures.ts';
import type { Staged } from './restore-fixtures.ts';

const MiB = 2 ** 20;

describe('a target', () => {
  rootTest('that is full ends the restore with no-space; it is completed when there is room', async (t) => {
    const place = await staged(t, (source) => {
      for (let i = 0; i < 24; i++) writeFileSync(join(source, `file-${i}`), createRandom(i).bytes(MiB));
    });
    const target = smallFileSystem(t, 40 * MiB);
    if (target === undefined) return skipLoudly(t, 'cannot mount a file system in memory');
    const ballast = join(target, 'ballast');
    writeFileSync(ballast, Buffer.alloc(28 * MiB));
    await assert.rejects(restoreAll(place.repository, target), (error) => {
      assert.ok(error instanceof FileSystemError, String(error));
      assert.equal(error.code, 'no-space');
      assert.match(error.message, /file-/);
      return true;
    });
    assert.equal((await stateOf(place.repository)).locks, 0);
    unlinkSync(ballast);
    const restored = await restoreAll(place.repository, target);
    assert.ok(restored.counts.filesSkipped > 0, 'files that were complete are kept');
    assert.deepEqual(compareTrees(place.source, target), []);
  });

  it('that is a file is refused', async (t) => {
    const place = await staged(t, files('a'));
    writeFileSync(place.target, 'a file');
    for (const pass of [restoreAll, verifyAll]) {
      await assert.rejects(pass(place.repository, place.target), (error) => {
        assert.ok(error instanceof FileSystemError, String(error));
        assert.match(error.message, /target/);
        return true;
      });
    }
    assert.equal(readFileSync(place.target, 'utf8'), 'a file');
  });

  it('that cannot be made is a typed error', async (t) => {
    const place = await staged(t, files('a'));
    const closed = join(place.folder, 'closed');
    mkdirSync(closed);
    await withoutRights(place.folder, async () => {
      chmodSync(closed, 0o500);
      await assert.rejects(restoreAll(place.repository, join(closed, 'target')), (error) => {
        assert.ok(error instanceof FileSystemError, String(error));
        assert.equal(error.code, 'permission-denied');
        return true;
      });
    });
  });

  it('that does not exist is not verified, and the process can end', async (t) => {
    const place = await staged(t, files('a'));
    await assert.rejects(verifyAll(place.repository, place.target), (error) => {
      assert.ok(error instanceof FileSystemError);
      assert.equal(error.code, 'not-found');
      return true;
    });
  });

  it('is reached through a link in its own path', async (t) => {
    const place = await staged(t, files('a'));
    mkdirSync(join(place.folder, 'real'));
    symlinkSync('real', place.target);
    await restoreAll(place.repository, place.target);
    assert.deepEqual(compareTrees(place.source, join(place.folder, 'real')), []);
  });
});

describe('what stands in the way', () => {
  it('as a link to the outside is replaced, never written through', async (t) => {
    const place = await staged(t, files('file', 'folder/inner'));
    const outside = join(place.folder, 'outside');
    mkdirSync(outside);
    for (const name of ['inner', 'canary']) writeFileSync(join(outside, name), 'canary');
    mkdirSync(place.target);
    symlinkSync(join(outside, 'canary'), join(place.target, 'file'));
    symlinkSync(outside, join(place.target, 'folder'));
    const before = portrait(outside);
    for (const options of [{}, { delete: true }]) {
      const restored = await restoreAll(place.repository, place.target, options);
      assert.deepEqual([...restored.errors.values()], []);
    }
    assert.deepEqual(compareTrees(place.source, place.target), []);
    assert.deepEqual(portrait(outside), before);
  });

  it('as a folder is an error of that file, or removed with --delete', async (t) => {
    const place = await staged(t, (source) => {
      files('file', 'other')(source);
      symlinkSync('file', join(source, 'link'));
      linkSync(join(source, 'other'), join(source, 'second-name'));
    });
    for (const name of ['file', 'link', 'second-name']) {
      mkdirSync(join(place.target, name, 'deep'), { recursive: true });
      writeFileSync(join(place.target, name, 'deep', 'kept'), 'kept');
    }
    const refused = await restoreAll(place.repository, place.target);
    assert.deepEqual([...refused.errors.keys()].toSorted(), ['file', 'link', 'second-name']);
    for (const error of refused.errors.values()) assert.equal(error.code, 'conflict');
    assert.equal(readFileSync(join(place.target, 'file', 'deep', 'kept'), 'utf8'), 'kept');
    assert.equal(readFileSync(join(place.target, 'other'), 'utf8'), 'contents of other');
    const restored = await restoreAll(place.repository, place.target, { delete: true });
    assert.deepEqual([...restored.errors.values()], []);
    assert.deepEqual(compareTrees(place.source, place.target), []);
  });

  it('as a file where a folder belongs gives way', async (t) => {
    const place = await staged(t, files('folder/inner'));
    files('folder')(join(place.folder, 'target'));
    const restored = await restoreAll(place.repository, place.target);
    assert.deepEqual([...restored.errors.values()], []);
    assert.deepEqual(compareTrees(place.source, place.target), []);
  });

  it('as a hard link to a file outside is replaced, not written through', async (t) => {
    const place = await staged(t, files('same', 'other'));
    mkdirSync(place.target);
    for (const [name, contents] of [
      ['same', 'contents of same'],
      ['other', 'another text'],
    ] as const) {
      const outside = join(place.folder, `outside-${name}`);
      writeFileSync(outside, contents, { mode: 0o640 });
      linkSync(outside, join(place.target, name));
    }
    await restoreAll(place.repository, place.target);
    assert.deepEqual(compareTrees(place.source, place.target), []);
    for (const name of ['same', 'other']) {
      const { nlink, mode } = statSync(join(place.folder, `outside-${name}`));
      assert.deepEqual([nlink, mode & 0o777], [1, 0o640]);
    }
    assert.equal(readFileSync(join(place.folder, 'outside-other'), 'utf8'), 'another text');
  });

  it('as two names of one file where two pairs belong is untangled', async (t) => {
    const place = await staged(t, (source) => {
      for (const [first, second] of [
        ['a', 'b'],
        ['c', 'd'],
      ] as const) {
        writeFileSync(join(source, first), 'equal contents');
        linkSync(join(source, first), join(source, second));
      }
    });
    mkdirSync(place.target);
    for (const [first, second] of [
      ['a', 'c'],
      ['b', 'd'],
    ] as const) {
      writeFileSync(join(place.target, first), 'equal contents');
      linkSync(join(place.target, first), join(place.target, second));
    }
    const restored = await restoreAll(place.repository, place.target);
    assert.deepEqual([...restored.errors.values()], []);
    assert.deepEqual(compareTrees(place.source, place.target), []);
  });

  it('only since a moment, as a hard link to the outside, is neither linked nor changed', async (t) => {
    const place = await staged(t, (source) => {
      files('a', 'c')(source);
      linkSync(join(source, 'a'), join(source, 'b'));
      for (const name of ['a', 'c']) chmodSync(join(source, name), 0o666);
    });
    const outside = join(place.folder, 'outside');
    writeFileSync(outside, 'canary', { mode: 0o600 });
    await restoreAll(place.repository, place.target);
    for (const name of ['a', 'b', 'c']) chmodSync(join(place.target, name), 0o600);
    rmSync(join(place.target, 'b'));
    rmSync(join(place.target, 'a'));
    let isSwapped = false;
    const restored = await restoreAll(place.repository, place.target, {
      onEvent: (event) => {
        if (event.type !== 'item' || pathText(event.path) !== 'a') return;
        isSwapped = true;
        for (const name of ['a', 'c']) {
          rmSync(join(place.target, name), { force: true });
          linkSync(outside, join(place.target, name));
        }
      },
    });
    assert.ok(isSwapped);
    for (const error of restored.errors.values()) assert.equal(error.code, 'conflict');
    const { mode, ino } = statSync(outside);
    assert.equal(mode & 0o777, 0o600);
    assert.notEqual(statSync(join(place.target, 'b'), { throwIfNoEntry: false })?.ino, ino);
    assert.equal(readFileSync(outside, 'utf8'), 'canary');
  });

  it('as read-only files and folders of the user is updated without root', async (t) => {
    const place = await workplace(t);
    const [source, target] = [join(place.folder, 'source'), join(place.folder, 'target')];
    files('folder/changed', 'folder/gone', 'folder/kept')(source);
    await withoutRights(place.folder, async () => {
      const close = (): void => {
        for (const name of readdirSync(join(source, 'folder')))
          chmodSync(join(source, 'folder', name), 0o444);
        chmodSync(join(source, 'folder'), 0o555);
      };
      close();
      await stageAll(place.repository, source);
      await restoreAll(place.repository, target);
      chmodSync(join(source, 'folder'), 0o755);
      rmSync(join(source, 'folder', 'gone'));
      chmodSync(join(source, 'folder', 'changed'), 0o644);
      writeFileSync(join(source, 'folder', 'changed'), 'new contents');
      writeFileSync(join(source, 'folder', 'new'), 'new');
      close();
      await stageAll(place.repository, source);
      const restored = await restoreAll(place.repository, target, { delete: true });
      assert.deepEqual([...restored.errors.values()], []);
      assert.deepEqual(compareTrees(source, target), []);
    });
  });

  it('and can be neither read nor removed is named, and all others are restored', async (t) => {
    const place = await staged(t, files('closed/inner', 'open'));
    files('closed/inner', 'closed/extra')(place.target);
    if (process.getuid?.() !== 0) return skipLoudly(t, 'needs two users; to run it: sudo npm test');
    await withoutRights(place.location, async () => undefined);
    for (const path of [place.folder, place.target]) chmodSync(path, 0o777);
    chmodSync(join(place.target, 'closed'), 0o755);
    process.seteuid?.(65_534);
    try {
      const restored = await restoreAll(place.repository, place.target, { delete: true });
      assert.ok(restored.errors.has('closed/extra'));
      assert.equal(restored.errors.get('closed/extra')?.code, 'permission-denied');
      assert.equal(readFileSync(join(place.target, 'open'), 'utf8'), 'contents of open');
      assert.equal(restored.isPartial, true);
    } finally {
      process.seteuid?.(0);
    }
    assert.equal(existsSync(join(place.target, 'closed', 'extra')), true);
  });
});

describe('damage in the repository', () => {
  /** The packs of data, each damaged by `damage`; the path of the file whose contents stand in it comes back. */
  async function withDamage(
    t: Parameters<typeof workplace>[0],
    damage: (pack: string) => void,
  ): Promise<Staged> {
    const place = await workplace(t);
    const source = join(place.folder, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'bad'), createRandom(41).bytes(100_000));
    await stageAll(place.repository, source);
    const before = new Set(packsOf(place.location));
    // A tree pack is in there too: it is found by its size.
    const [pack = ''] = [...before].toSorted((a, b) => statSync(b).size - statSync(a).size);
    files('good', 'folder/good')(source);
    await stageAll(place.repository, source);
    damage(pack);
    return { ...place, source, target: join(place.folder, 'target') };
  }

  const damages: Readonly<Record<string, (pack: string) => void>> = {
    'a flipped bit in a pack': (pack) => {
      const bytes = readFileSync(pack);
      bytes[5000] = (bytes[5000] ?? 0) ^ 4;
      chmodSync(pack, 0o600);
      writeFileSync(pack, bytes);
    },
    'a truncated pack': (pack) => {
      const bytes = readFileSync(pack);
      chmodSync(pack, 0o600);
      writeFileSync(pack, bytes.subarray(0, 1000));
    },
    'a missing pack': (pack) => rmSync(pack),
    'a pack in another’s place': (pack) => {
      const bytes = readFileSync(pack);
      chmodSync(pack, 0o600);
      writeFileSync(pack, createRandom(42).bytes(bytes.length));
    },
  };
  for (const [title, damage] of Object.entries(damages)) {
    it(`(${title}) costs the files in it, which are named, and no other`, async (t) => {
      const place = await withDamage(t, damage);
      for (const target of [place.target, place.target]) {
        const restored = await restoreAll(place.repository, target, { delete: true });
        assert.deepEqual([...restored.errors.keys()], ['bad']);
        assert.equal(restored.errors.get('bad')?.code, 'corrupt');
        assert.match(restored.errors.get('bad')?.message ?? '', /data\//);
        assert.equal(restored.isPartial, true);
      }
      assert.deepEqual(readdirSync(place.target).toSorted(), ['folder', 'good']);
      const differences = compareTrees(place.source, place.target);
      assert.deepEqual(differences, ['bad: missing']);
    });
  }

  it('that hides a tree makes --delete remove nothing', async (t) => {
    const place = await staged(t, files('a/inner', 'b/inner'));
    await restoreAll(place.repository, place.target);
    files('a/extra', 'b/extra', 'extra')(place.target);
    const a = packsOf(place.location);
    writeFileSync(join(place.source, 'a', 'more'), 'more');
    await stageAll(place.repository, place.source);
    for (const pack of packsOf(place.location))
      if (!a.includes(pack)) renameSync(pack, join(place.folder, 'pack'));
    await assert.rejects(restoreAll(place.repository, place.target, { delete: true }));
    assert.ok(existsSync(join(place.target, 'extra')) && existsSync(join(place.target, 'b', 'extra')));
    assert.equal(lstatSync(join(place.target, 'a', 'inner')).isFile(), true);
  });
});
