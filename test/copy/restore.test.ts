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
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CancelledError, FileSystemError, RepositoryError } from '../../src/base/errors.ts';
import { compilePatterns } from '../../src/copy/source/patterns.ts';
import { makeRandomTree } from '../support/random-tree.ts';
import { rootTest, skipLoudly } from '../support/root-test.ts';
import { createRandom, scaled } from '../support/seed.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { readTree } from '../support/tree-entry.ts';
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
import type { Workplace } from './copying.ts';

const MiB = 2 ** 20;

interface Staged extends Workplace {
  readonly source: string;
  readonly target: string;
}

/** A source that `fill` fills, staged as `/v`. */
async function staged(t: Parameters<typeof workplace>[0], fill: (source: string) => void): Promise<Staged> {
  const place = await workplace(t);
  const source = join(place.folder, 'source');
  mkdirSync(source);
  fill(source);
  await stageAll(place.repository, source);
  return { ...place, source, target: join(place.folder, 'target') };
}

function files(...names: readonly string[]): (source: string) => void {
  return (source) => {
    for (const name of names) {
      mkdirSync(join(source, name, '..'), { recursive: true });
      writeFileSync(join(source, name), `contents of ${name}`);
    }
  };
}

/** All of a tree that a pass could change, as text. */
function portrait(root: string): string[] {
  return readTree(root).map(({ path, status, attributes, target }) => {
    const { type, mode, uid, gid, inode, links, sizeBytes, mtimeNs, ctimeNs } = status;
    const facts = [type, mode, uid, gid, inode, links, sizeBytes, mtimeNs, ctimeNs, target?.toString('hex')];
    return `${path.map((name) => name.toString('hex')).join('/')} ${facts.join(' ')} ${JSON.stringify(attributes)}`;
  });
}

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

function packsOf(location: string): string[] {
  const data = join(location, 'data');
  return readdirSync(data, { recursive: true, encoding: 'utf8' })
    .map((name) => join(data, name))
    .filter((path) => statSync(path).isFile());
}
