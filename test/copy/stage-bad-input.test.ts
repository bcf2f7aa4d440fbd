import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { CancelledError, FileSystemError, StoreError } from '../../src/base/errors.ts';
import {
  close,
  createFileAt,
  makeDirectoryAt,
  openDirectoryAt,
  openRoot,
} from '../../src/base/file-system.ts';
import { initQuickly } from '../support/quick-repository.ts';
import { makeRandomTree } from '../support/random-tree.ts';
import { rootTest, skipLoudly } from '../support/root-test.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { compareTrees } from '../support/tree-compare.ts';
import {
  deepest,
  mounted,
  restoreAll,
  smallFileSystem,
  stageAll,
  stateOf,
  watchWalk,
  withoutRights,
  workplace,
} from './copying.ts';

const MiB = 2 ** 20;

describe('a path that is not there', () => {
  it('is an error when there is nothing else to stage', async (t) => {
    const { folder, repository } = await workplace(t);
    for (const options of [{ storeAs: '/v' }, { storeAs: undefined }]) {
      await assert.rejects(stageAll(repository, join(folder, 'nothing'), options), (error) => {
        assert.ok(error instanceof FileSystemError);
        assert.equal(error.code, 'not-found');
        assert.match(error.message, /nothing/);
        return true;
      });
    }
    assert.deepEqual(await stateOf(repository), { snapshots: [], locks: 0 });
  });

  it('is an error of its own when it is a dangling link to store under a name', async (t) => {
    const { folder, repository } = await workplace(t);
    symlinkSync('nowhere', join(folder, 'link'));
    await assert.rejects(stageAll(repository, join(folder, 'link')), (error) => {
      assert.ok(error instanceof FileSystemError, String(error));
      assert.equal(error.code, 'not-found');
      return true;
    });
  });

  it('beside others makes the pass partial and is named', async (t) => {
    const { folder, repository } = await workplace(t);
    mkdirSync(join(folder, 'there'));
    writeFileSync(join(folder, 'there', 'file'), 'contents');
    const missing = [join(folder, 'nothing'), join(folder, 'no', 'folder', 'file')];
    const paths = [join(folder, 'there'), ...missing];
    const staged = await stageAll(repository, folder, { paths, storeAs: undefined });
    assert.equal(staged.isPartial, true);
    assert.equal(staged.errors.size, 2);
    assert.equal(staged.errors.get(join(folder, 'nothing').slice(1))?.code, 'not-found');
    assert.ok([...staged.errors.keys()].some((path) => path.startsWith(join(folder, 'no').slice(1))));
    const target = join(folder, 'target');
    await restoreAll(repository, target, { snapshot: 'latest' });
    assert.equal(readFileSync(join(target, folder, 'there', 'file'), 'utf8'), 'contents');
  });
});

describe('what cannot be read', () => {
  it('is reported by name, the rest is stored, and the earlier snapshot keeps it', async (t) => {
    const { folder, repository } = await workplace(t);
    const source = join(folder, 'source');
    mkdirSync(join(source, 'closed'), { recursive: true });
    for (const name of ['a', 'secret', 'z', 'closed/inner']) writeFileSync(join(source, name), name);
    await withoutRights(folder, async () => {
      await stageAll(repository, source);
      chmodSync(join(source, 'secret'), 0);
      chmodSync(join(source, 'closed'), 0);
      const staged = await stageAll(repository, source);
      assert.equal(staged.isPartial, true);
      assert.equal(staged.counts.errors, 2);
      const codes = [...staged.errors].map(([path, error]) => `${path} ${error.code}`);
      assert.deepEqual(codes.toSorted(), ['v/closed permission-denied', 'v/secret permission-denied']);
      const [before, after] = [join(folder, 'before'), join(folder, 'after')];
      await restoreAll(repository, after);
      assert.deepEqual(readdirSync(after).toSorted(), ['a', 'z']);
      await restoreAll(repository, before, { snapshot: `${staged.parentId}:/v` });
      assert.equal(readFileSync(join(before, 'closed', 'inner'), 'utf8'), 'closed/inner');
    });
    chmodSync(join(source, 'closed'), 0o700);
  });

  it('because of an input/output error is reported by name', async (t) => {
    const { folder, repository } = await workplace(t);
    writeFileSync(join(folder, 'good'), 'good');
    const paths = ['/proc/self/mem', join(folder, 'good')];
    const staged = await stageAll(repository, folder, { paths, storeAs: undefined });
    assert.equal(staged.isPartial, true);
    assert.deepEqual([...staged.errors.keys()], ['proc/self/mem']);
    assert.equal(staged.errors.get('proc/self/mem')?.code, 'io');
  });

  rootTest('in the middle of a large file leaves out that file alone', async (t) => {
    const { folder, repository } = await workplace(t);
    const source = failingFileSystem(t, folder);
    if (source === undefined) return skipLoudly(t, 'cannot mount a file system whose device fails');
    const staged = await stageAll(repository, source, { workers: 2 });
    assert.equal(staged.isPartial, true);
    assert.deepEqual([...staged.errors.keys()], ['v/large']);
    assert.equal(staged.errors.get('v/large')?.code, 'io');
    const target = join(folder, 'target');
    await restoreAll(repository, target);
    assert.equal(readFileSync(join(target, 'small'), 'utf8'), 'small');
    assert.equal(existsSync(join(target, 'large')), false);
  });
});

/** A file system with a small file that is cached and a large one whose end the device lost. */
function failingFileSystem(t: Pick<TestContext, 'after'>, folder: string): string | undefined {
  const image = join(folder, 'image');
  writeFileSync(image, '');
  truncateSync(image, 96 * MiB);
  if (spawnSync('mkfs.ext4', ['-q', '-O', '^has_journal', image]).status !== 0) return undefined;
  const writable = mounted(t, ['-o', 'loop', image]);
  if (writable === undefined) return undefined;
  writeFileSync(join(writable, 'small'), 'small');
  writeFileSync(join(writable, 'large'), createRandom(1).bytes(64 * MiB));
  rmSync(join(writable, 'lost+found'), { recursive: true });
  if (spawnSync('umount', [writable]).status !== 0) return undefined;
  const path = mounted(t, ['-o', 'loop,ro', image]);
  if (path !== undefined) readFileSync(join(path, 'small'));
  truncateSync(image, 60 * MiB);
  return path;
}

describe('an entry that changes after its folder was listed', () => {
  interface Change {
    /** When: before it is looked at, or between its status and its contents. */
    readonly when: 'look' | 'meet';
    readonly change: (path: string) => void;
    readonly outcome: 'warned' | 'failed';
    readonly message: RegExp;
  }
  const changes: Readonly<Record<string, Change>> = {
    'a file that is removed': {
      when: 'look',
      change: (path) => rmSync(path),
      outcome: 'warned',
      message: /removed/,
    },
    'a file that is removed before it is opened': {
      when: 'meet',
      change: (path) => rmSync(path),
      outcome: 'warned',
      message: /removed/,
    },
    'a file that becomes a FIFO': {
      when: 'meet',
      change: (path) => {
        rmSync(path);
        assert.equal(spawnSync('mkfifo', [path]).status, 0);
      },
      outcome: 'failed',
      message: /became a fifo/,
    },
    'a file that becomes a folder': {
      when: 'meet',
      change: (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      outcome: 'failed',
      message: /became a directory/,
    },
    'a file that becomes a link': {
      when: 'meet',
      change: (path) => {
        rmSync(path);
        symlinkSync('/etc/passwd', path);
      },
      outcome: 'failed',
      message: /never followed/,
    },
  };
  for (const [title, { when, change, outcome, message }] of Object.entries(changes)) {
    it(`${title} is named and left out`, async (t) => {
      const { folder, repository } = await workplace(t);
      const source = join(folder, 'source');
      mkdirSync(source);
      for (const name of ['a', 'b', 'c']) writeFileSync(join(source, name), name);
      let current = '';
      const exclusion = watchWalk({
        look: (path) => {
          current = path;
          if (when === 'look' && path === 'v/b') change(join(source, 'b'));
        },
        meet: () => {
          if (when === 'meet' && current === 'v/b') change(join(source, 'b'));
        },
      });
      const staged = await stageAll(repository, source, { exclusion });
      const said = outcome === 'warned' ? staged.warned.get('v/b') : staged.errors.get('v/b')?.message;
      assert.match(said ?? '', message);
      assert.equal(staged.errors.size + staged.warned.size, 1);
      assert.equal(staged.isPartial, outcome === 'failed');
      const target = join(folder, 'target');
      await restoreAll(repository, target);
      assert.deepEqual(readdirSync(target).toSorted(), ['a', 'c']);
    });
  }

  it('a folder that becomes a link is named and never entered', async (t) => {
    const { folder, repository } = await workplace(t);
    const source = join(folder, 'source');
    const outside = join(folder, 'outside');
    mkdirSync(join(source, 'b'), { recursive: true });
    mkdirSync(outside);
    writeFileSync(join(outside, 'canary'), 'canary');
    let current = '';
    const exclusion = watchWalk({
      look: (path) => {
        current = path;
      },
      meet: () => {
        if (current !== 'v/b') return;
        renameSync(join(source, 'b'), join(folder, 'away'));
        symlinkSync(outside, join(source, 'b'));
      },
    });
    const staged = await stageAll(repository, source, { exclusion });
    assert.deepEqual([...staged.errors.keys()], ['v/b']);
    const target = join(folder, 'target');
    await restoreAll(repository, target);
    assert.deepEqual(readdirSync(target), []);
  });
});

describe('a file that is written to while it is read', () => {
  it('is stored as it was read, with a warning that names it', async (t) => {
    const { folder, repository } = await workplace(t);
    const source = join(folder, 'source');
    mkdirSync(source);
    const path = join(source, 'busy');
    writeFileSync(path, createRandom(2).bytes(20 * MiB));
    writeFileSync(join(source, 'quiet'), 'quiet');
    const writer = openSync(path, 'r+');
    const timer = setInterval(() => writeSync(writer, 'x', 0), 1);
    try {
      const staged = await stageAll(repository, source, { workers: 1 });
      assert.match(staged.warned.get('v/busy') ?? '', /changed while it was read/);
      assert.equal(staged.warned.size, 1);
      assert.equal(staged.isPartial, false);
    } finally {
      clearInterval(timer);
      closeSync(writer);
    }
    const restaged = await stageAll(repository, source);
    assert.ok(restaged.items.includes('changed v/busy'), 'it is read again by the next pass');
    const target = join(folder, 'target');
    await restoreAll(repository, target);
    assert.deepEqual(compareTrees(source, target), []);
  });
});

describe('a directory whose listing is larger than a mebibyte', () => {
  it('comes back', async (t) => {
    const { folder, repository } = await workplace(t);
    const source = join(folder, 'source');
    mkdirSync(source);
    const count = scaled(3000, 20_000);
    for (let i = 0; i < count; i++) writeFileSync(join(source, `${i}-${'n'.repeat(200)}`), String(i % 7));
    const staged = await stageAll(repository, source);
    assert.equal(staged.counts.filesNew, count);
    const target = join(folder, 'target');
    await restoreAll(repository, target);
    assert.deepEqual(compareTrees(source, target), []);
  });
});

describe('a tree of many levels', () => {
  it('comes back, deeper than any path may be', async (t) => {
    const { folder, repository } = await workplace(t);
    const source = join(folder, 'source');
    mkdirSync(source);
    const levels = deepest(scaled(2000, 10_000));
    makeDeepTree(source, levels);
    const staged = await stageAll(repository, source);
    assert.deepEqual([...staged.errors.values()], []);
    assert.equal(staged.counts.dirsNew, levels + 1);
    const target = join(folder, 'target');
    const restored = await restoreAll(repository, target);
    assert.deepEqual([...restored.errors.values()], []);
    const again = await restoreAll(repository, target, { delete: true });
    assert.deepEqual([...again.errors.values()], []);
    assert.equal(again.counts.filesSkipped, 1);
  });
});

/** Folders inside of folders, and a file in the last. */
function makeDeepTree(root: string, levels: number): void {
  const name = Buffer.from('d');
  let fd = openRoot(root);
  for (let level = 0; level < levels; level++) {
    makeDirectoryAt(fd, name, 0o755);
    const inner = openDirectoryAt(fd, name);
    close(fd);
    fd = inner;
  }
  close(createFileAt(fd, Buffer.from('file'), 0o600));
  close(fd);
}

describe('a repository whose disk is full', () => {
  rootTest('ends the pass with no-space, loses nothing, and goes on when there is room', async (t) => {
    const small = smallFileSystem(t, 64 * MiB);
    if (small === undefined) return skipLoudly(t, 'cannot mount a file system in memory');
    const folder = temporaryFolder(t);
    const source = join(folder, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'first'), createRandom(3).bytes(2 * MiB));
    const repository = await initQuickly(join(small, 'repository'));
    const first = await stageAll(repository, source);
    const copy = join(folder, 'copy');
    await restoreAll(repository, copy);
    const ballast = join(small, 'ballast');
    writeFileSync(ballast, Buffer.alloc(48 * MiB));
    writeFileSync(join(source, 'second'), createRandom(4).bytes(14 * MiB));
    await assert.rejects(stageAll(repository, source, { packSizeBytes: 4 * MiB }), (error) => {
      assert.ok(error instanceof StoreError, String(error));
      assert.equal(error.code, 'no-space');
      return true;
    });
    assert.deepEqual(await stateOf(repository), { snapshots: [first.snapshotId], locks: 0 });
    const before = join(folder, 'before');
    await restoreAll(repository, before, { noLock: true });
    assert.deepEqual(compareTrees(copy, before), []);
    unlinkSync(ballast);
    const second = await stageAll(repository, source, { packSizeBytes: 4 * MiB });
    assert.equal(second.parentId, first.snapshotId);
    const target = join(folder, 'target');
    await restoreAll(repository, target);
    assert.deepEqual(compareTrees(source, target), []);
  });
});

describe('a pass that is cancelled', () => {
  it('at any moment leaves no snapshot and no lock, and the earlier ones as they were', async (t) => {
    const { folder, repository } = await workplace(t);
    const source = join(folder, 'source');
    makeRandomTree(source, 11, { entries: 100 });
    const first = await stageAll(repository, source);
    writeFileSync(join(source, 'large'), createRandom(5).bytes(30 * MiB));
    let cancelled = 0;
    await forEachSeed(t, scaled(8, 60), async (seed) => {
      const before = await stateOf(repository);
      const controller = new AbortController();
      const random = createRandom(seed);
      const pass = stageAll(repository, source, {
        signal: controller.signal,
        force: true,
        packSizeBytes: 4 * MiB,
      });
      const timer = setTimeoutAbort(controller, random.below(700));
      try {
        const staged = await pass;
        assert.ok(staged.snapshotId !== undefined, 'a pass that ended before has its snapshot');
        return;
      } catch (error) {
        assert.ok(error instanceof CancelledError, String(error));
        cancelled++;
      } finally {
        clearTimeout(timer);
      }
      assert.deepEqual(await stateOf(repository), before);
    });
    t.diagnostic(`${cancelled} passes were cancelled`);
    const target = join(folder, 'target');
    await stageAll(repository, source);
    await restoreAll(repository, target);
    assert.deepEqual(compareTrees(source, target), []);
    const old = await restoreAll(repository, join(folder, 'old'), { snapshot: `${first.snapshotId}:/v` });
    assert.equal(old.isPartial, false);
  });

  it('before it begins does nothing', async (t) => {
    const { folder, repository } = await workplace(t);
    const options = { signal: AbortSignal.abort() };
    await assert.rejects(stageAll(repository, folder, options), CancelledError);
    assert.deepEqual(await stateOf(repository), { snapshots: [], locks: 0 });
  });
});

function setTimeoutAbort(controller: AbortController, ms: number): NodeJS.Timeout {
  return setTimeout(() => controller.abort(), ms);
}
