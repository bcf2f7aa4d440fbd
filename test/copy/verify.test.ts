import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import {
  close,
  makeNodeAt,
  openPathAt,
  openRoot,
  setExtendedAttribute,
  setOwner,
  setTimes,
  statFd,
} from '../../src/base/file-system.ts';
import { compilePatterns } from '../../src/copy/source/patterns.ts';
import { rootTest, skipLoudly } from '../support/root-test.ts';
import { createRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { readTree, withParent } from '../support/tree-entry.ts';
import { restoreAll, stageAll, verifyAll, withoutRights, workplace } from './copying.ts';
import type { Workplace } from './copying.ts';

const MiB = 2 ** 20;

interface Restored extends Workplace {
  readonly target: string;
}

const suiteEnd: (() => void)[] = [];
const suite = { after: (end: () => void): number => suiteEnd.push(end) };
let master: Promise<Workplace> | undefined;

after(() => {
  for (const end of suiteEnd.toReversed()) end();
});

/** A repository with one of everything and a copy of what was restored from it; the repository serves all tests. */
async function restored(t: Pick<TestContext, 'after'>): Promise<Restored> {
  master ??= stageOnce();
  const place = await master;
  const folder = temporaryFolder(t);
  const target = join(folder, 'target');
  const copied = spawnSync('cp', ['-a', join(place.folder, 'target'), target]);
  assert.equal(copied.status, 0, String(copied.stderr));
  return { ...place, folder, target };
}

async function stageOnce(): Promise<Workplace> {
  const place = await workplace(suite);
  const [source, target] = [join(place.folder, 'source'), join(place.folder, 'target')];
  mkdirSync(join(source, 'folder', 'inner'), { recursive: true });
  for (const name of ['file', 'folder/a', 'folder/b', 'folder/inner/c', 'z']) {
    writeFileSync(join(source, name), `contents of ${name}`);
    // The same for all, whatever the clock's ticks: two files that become one would else differ in time as well.
    utimesSync(join(source, name), 1_700_000_000, 1_700_000_000);
  }
  writeFileSync(join(source, 'large'), createRandom(1).bytes(5 * MiB));
  linkSync(join(source, 'file'), join(source, 'linked'));
  symlinkSync('file', join(source, 'link'));
  withParent(source, [Buffer.from('fifo')], (fd, name) => makeNodeAt(fd, name, 'fifo', 0o600, 0n));
  await stageAll(place.repository, source);
  await restoreAll(place.repository, target);
  return place;
}

/** Runs `tamper` and gives every folder and every file that is still there its times back. */
function keepingTimes(root: string, tamper: () => void): void {
  const before = new Map(readTree(root).map((entry) => [entry.path.join('/'), entry.status]));
  tamper();
  for (const { path } of readTree(root)) {
    const status = before.get(path.join('/'));
    if (status === undefined) continue;
    const set = (fd: number): void => {
      setTimes(fd, status.atimeNs, status.mtimeNs);
      close(fd);
    };
    if (path.length === 0) set(openRoot(root));
    else withParent(root, path, (fd, name) => set(openPathAt(fd, name)));
  }
}

const tamperings: Readonly<
  Record<
    string,
    readonly [tamper: (target: string) => void, differences: readonly string[], needsRoot?: boolean]
  >
> = {
  nothing: [() => undefined, []],
  'a file that is missing': [(target) => rmSync(join(target, 'folder', 'a')), ['missing folder/a']],
  'a folder that is missing': [
    (target) => rmSync(join(target, 'folder'), { recursive: true }),
    ['missing folder'],
  ],
  'a file too many': [(target) => writeFileSync(join(target, 'folder', 'more'), ''), ['extra folder/more']],
  'a folder too many': [
    (target) => mkdirSync(join(target, 'folder', 'more', 'and', 'more'), { recursive: true }),
    ['extra folder/more'],
  ],
  'a file that is a folder': [
    (target) => {
      rmSync(join(target, 'folder', 'a'));
      mkdirSync(join(target, 'folder', 'a'));
    },
    ['type folder/a'],
  ],
  'a folder that is a link to its copy': [
    (target) => {
      renameSync(join(target, 'folder'), join(target, '..', 'away'));
      symlinkSync('../away', join(target, 'folder'));
    },
    ['type folder'],
  ],
  'a byte of a small file': [(target) => writeFileSync(join(target, 'z'), 'Contents of z'), ['content z']],
  'a byte of a large file': [
    (target) => {
      const bytes = readFileSync(join(target, 'large'));
      bytes[4 * MiB] = (bytes[4 * MiB] ?? 0) ^ 1;
      writeFileSync(join(target, 'large'), bytes);
    },
    ['content large'],
  ],
  'a file that is shorter': [(target) => truncateSync(join(target, 'large'), 100), ['size large']],
  'a mode': [(target) => chmodSync(join(target, 'folder', 'b'), 0o4711), ['mode folder/b']],
  'the mode of a folder': [(target) => chmodSync(join(target, 'folder'), 0o1700), ['mode folder']],
  'the mode of the target': [(target) => chmodSync(target, 0o711), ['mode ']],
  'an owner': [
    (target) => withOpen(target, 'folder/a', (fd) => setOwner(fd, 12, statFd(fd).gid)),
    ['owner folder/a'],
    true,
  ],
  'the owner of a link': [
    (target) => withOpen(target, 'link', (fd) => setOwner(fd, 12, 13)),
    ['owner link'],
    true,
  ],
  'an attribute': [
    (target) => withOpen(target, 'folder/a', (fd) => setExtendedAttribute(fd, 'user.more', Buffer.from('x'))),
    ['extended-attributes folder/a'],
  ],
  'the target of a link': [
    (target) => {
      rmSync(join(target, 'link'));
      symlinkSync('elsewhere', join(target, 'link'));
    },
    ['link-target link'],
  ],
  'a second name that is a file of its own': [
    (target) => {
      rmSync(join(target, 'linked'));
      writeFileSync(join(target, 'linked'), 'contents of file');
    },
    ['hard-link linked'],
  ],
  'two files that are one now': [
    (target) => {
      writeFileSync(join(target, 'folder', 'b'), 'contents of folder/a');
      rmSync(join(target, 'folder', 'a'));
      linkSync(join(target, 'folder', 'b'), join(target, 'folder', 'a'));
    },
    ['content folder/b', 'hard-link folder/b'],
  ],
};

function withOpen(target: string, path: string, use: (fd: number) => void): void {
  withParent(
    target,
    path.split('/').map((name) => Buffer.from(name)),
    (directoryFd, name) => {
      const fd = openPathAt(directoryFd, name);
      try {
        use(fd);
      } finally {
        close(fd);
      }
    },
  );
}

describe('verify finds', () => {
  for (const [title, [tamper, differences, needsRoot]] of Object.entries(tamperings)) {
    (needsRoot === true ? rootTest : it)(title, async (t) => {
      const { repository, target } = await restored(t);
      keepingTimes(target, () => tamper(target));
      const verified = await verifyAll(repository, target);
      assert.deepEqual(verified.differences, differences);
      assert.equal(verified.isEqual, differences.length === 0);
      assert.equal(verified.counts.differences, differences.length);
    });
  }

  it('a modification time, by the nanosecond', async (t) => {
    const { repository, target } = await restored(t);
    withOpen(target, 'folder/a', (fd) => setTimes(fd, 0n, statFd(fd).mtimeNs + 1n));
    utimesSync(join(target, 'folder', 'inner'), 5, 5);
    lutimesSync(join(target, 'link'), 5, 5);
    const verified = await verifyAll(repository, target);
    assert.deepEqual(verified.differences, ['mtime folder/a', 'mtime folder/inner', 'mtime link']);
  });

  rootTest('a file and a folder that cannot be read, and goes on', async (t) => {
    const { folder, location, repository, target } = await restored(t);
    for (const path of [folder, target, join(location, '..')]) chmodSync(path, 0o755);
    keepingTimes(target, () => {
      chmodSync(join(target, 'folder', 'a'), 0o600);
      chmodSync(join(target, 'folder', 'inner'), 0o700);
      writeFileSync(join(target, 'z'), 'Contents of z');
    });
    await withoutRights(location, async () => {
      const { differences } = await verifyAll(repository, target);
      const others = differences.filter((difference) => !difference.startsWith('mode'));
      assert.deepEqual(others, ['content z', 'unreadable folder/a', 'unreadable folder/inner']);
    });
  });

  rootTest('a device of another number', async (t) => {
    const { folder, repository } = await workplace(t);
    const [source, target] = [join(folder, 'source'), join(folder, 'target')];
    mkdirSync(source);
    const make = (root: string, rdev: bigint): void =>
      withParent(root, [Buffer.from('device')], (fd, name) =>
        makeNodeAt(fd, name, 'character-device', 0o600, rdev),
      );
    try {
      make(source, 0xf001n);
    } catch {
      return skipLoudly(t, 'cannot make devices here');
    }
    await stageAll(repository, source);
    await restoreAll(repository, target, { devices: true });
    assert.deepEqual((await verifyAll(repository, target)).differences, []);
    keepingTimes(target, () => {
      unlinkSync(join(target, 'device'));
      make(target, 0xf002n);
    });
    assert.deepEqual((await verifyAll(repository, target)).differences, ['device device']);
  });
});

describe('verify', () => {
  it('by metadata alone does not look at contents', async (t) => {
    const { repository, target } = await restored(t);
    keepingTimes(target, () => writeFileSync(join(target, 'z'), 'Contents of z'));
    const verified = await verifyAll(repository, target, { depth: 'metadata' });
    assert.deepEqual(verified.differences, []);
    assert.equal(verified.counts.bytesCompared, 0);
    chmodSync(join(target, 'z'), 0o700);
    assert.deepEqual((await verifyAll(repository, target, { depth: 'metadata' })).differences, ['mode z']);
  });

  it('leaves extras alone when asked to, and what is not selected', async (t) => {
    const { repository, target } = await restored(t);
    keepingTimes(target, () => {
      writeFileSync(join(target, 'extra'), '');
      writeFileSync(join(target, 'z'), 'Contents of z');
    });
    assert.deepEqual((await verifyAll(repository, target, { extras: false })).differences, ['content z']);
    const exclude = compilePatterns(['/z', '/extra']);
    assert.deepEqual((await verifyAll(repository, target, { exclude })).differences, []);
    const include = compilePatterns(['/folder/**']);
    const verified = await verifyAll(repository, target, { include });
    assert.deepEqual(verified.differences, []);
    assert.equal(verified.counts.files, 3);
  });

  it('of a path in the snapshot compares a folder, or one file', async (t) => {
    const { folder, repository, target } = await restored(t);
    const inner = join(target, 'folder');
    assert.deepEqual((await verifyAll(repository, inner, { snapshot: 'latest:/v/folder' })).differences, []);
    const one = join(folder, 'one');
    await restoreAll(repository, one, { snapshot: 'latest:/v/z' });
    writeFileSync(join(one, 'beside'), '');
    assert.deepEqual((await verifyAll(repository, one, { snapshot: 'latest:/v/z' })).differences, []);
    keepingTimes(one, () => writeFileSync(join(one, 'z'), 'Contents of z'));
    assert.deepEqual((await verifyAll(repository, one, { snapshot: 'latest:/v/z' })).differences, [
      'content z',
    ]);
  });

  it('changes neither the target nor the repository', async (t) => {
    const { location, repository, target } = await restored(t);
    // Looking reads folders, which may change their access times: only files tell by theirs.
    const look = (): string[] =>
      [target, location].flatMap((root) =>
        readTree(root)
          .filter(({ path }) => path[0]?.toString() !== 'locks')
          .map(({ path, status }) => {
            const readNs = status.type === 'file' && root === target ? status.atimeNs : '';
            return `${path.join('/')} ${status.ctimeNs} ${readNs}`;
          }),
      );
    const before = look();
    await verifyAll(repository, target, { noLock: true });
    assert.deepEqual(look(), before);
  });
});
