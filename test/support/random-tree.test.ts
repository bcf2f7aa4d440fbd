import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setExtendedAttribute } from '../../src/base/file-system.ts';
import { isPrivileged } from './random-metadata.ts';
import { makeRandomTree, mutateTree } from './random-tree.ts';
import type { RandomTreeSummary } from './random-tree.ts';
import { runCommand } from './restic.ts';
import { createRandom, forEachSeed, scaled } from './seed.ts';
import { removeTree, temporaryFolder } from './temporary-folder.ts';
import { compareTrees } from './tree-compare.ts';
import { withParent } from './tree-entry.ts';
import { openPathAt, close } from '../../src/base/file-system.ts';

describe('random numbers', () => {
  it('are the same for the same seed', () => {
    const values = (seed: number): unknown[] => {
      const random = createRandom(seed);
      return [
        random.next(),
        random.below(10),
        random.bytes(10_000).subarray(9990).toString('hex'),
        random.chance(0.5),
      ];
    };
    assert.deepEqual(values(7), values(7));
    assert.notDeepEqual(values(7), values(8));
    assert.notDeepEqual(values(7), values(7 + 2 ** 32));
  });
});

describe('random trees', () => {
  it('are the same for the same seed, and stay so through the same changes', async (t) => {
    const folder = temporaryFolder(t);
    await forEachSeed(t, scaled(10, 200), (seed) => {
      const [a, b] = [join(folder, `${seed}-a`), join(folder, `${seed}-b`)];
      assert.deepEqual(makeRandomTree(a, seed), makeRandomTree(b, seed));
      assert.deepEqual(compareTrees(a, b), []);
      assert.deepEqual(mutateTree(a, seed), mutateTree(b, seed));
      assert.deepEqual(compareTrees(a, b, { ignore: ['mtime'] }), []);
      removeTree(a);
      removeTree(b);
    });
  });

  it('come back equal from a mover that keeps everything', async (t) => {
    const folder = temporaryFolder(t);
    await forEachSeed(t, scaled(5, 100), async (seed) => {
      const [tree, copy] = [join(folder, `${seed}-tree`), join(folder, `${seed}-copy`)];
      makeRandomTree(tree, seed, { devices: isPrivileged, linkedSpecials: true });
      await runCommand('cp', ['-a', '--sparse=always', '--', tree, copy]);
      assert.deepEqual(compareTrees(tree, copy), []);
    });
  });

  it('hold what was asked for', (t) => {
    const folder = temporaryFolder(t);
    const sizes: RandomTreeSummary[] = [];
    for (let seed = 0; seed < 5; seed++)
      sizes.push(makeRandomTree(join(folder, `${seed}`), seed, { entries: 100 }));
    for (const summary of sizes) assert.ok(summary.entries >= 100 && summary.entries < 120);
    const large = makeRandomTree(join(folder, 'large'), 1, { largeFiles: 2 });
    assert.ok(large.sizeBytes >= 2 * 1024 * 1024);
  });
});

describe('a comparison of trees', () => {
  const cases: readonly (readonly [string, RegExp, (root: string) => void])[] = [
    [
      'contents',
      /^f: contents differ from byte 2$/,
      (root) => keepingTimes(root, () => writeFileSync(join(root, 'f'), 'abXd')),
    ],
    ['size', /^f: size 4, now 3$/, (root) => keepingTimes(root, () => truncateSync(join(root, 'f'), 3))],
    ['mode', /^f: mode 0644, now 0600$/, (root) => chmodSync(join(root, 'f'), 0o600)],
    ['mtime', /^f: mtime 5000000000 ns, now 6000000000 ns$/, (root) => lutimesSync(join(root, 'f'), 5, 6)],
    ['a missing name', /^s: missing$/, (root) => keepingTimes(root, () => rmSync(join(root, 's')))],
    [
      'a further name',
      /^new: unexpected file$/,
      (root) => keepingTimes(root, () => writeFileSync(join(root, 'new'), '')),
    ],
    ['the target of a link', /^s: target 78, now 79$/, (root) => keepingTimes(root, () => relink(root, 'y'))],
    ['attributes', /^f: attributes \{\}, now \{user\.a=01\}$/, (root) => setAttribute(root)],
    [
      'allocation',
      /^allocation \d+ bytes, now \d{7} in 2 files$/,
      (root) => keepingTimes(root, () => fill(root)),
    ],
  ];

  for (const [name, expected, change] of cases) {
    it(`finds ${name}`, (t) => {
      const [a, b] = [join(temporaryFolder(t), 'a'), join(temporaryFolder(t), 'b')];
      for (const root of [a, b]) makeSmallTree(root);
      assert.deepEqual(compareTrees(a, b), []);
      change(b);
      const found = compareTrees(a, b).filter((line) => expected.test(line));
      assert.equal(found.length, 1, compareTrees(a, b).join('\n'));
    });
  }

  it('finds names that are no longer one file', async (t) => {
    const folder = temporaryFolder(t);
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    mkdirSync(a);
    writeFileSync(join(a, '1'), 'x');
    await runCommand('ln', [join(a, '1'), join(a, '2')]);
    await runCommand('cp', ['-a', '--no-preserve=links', a, b]);
    assert.equal(compareTrees(a, b).length, 2);
    assert.deepEqual(compareTrees(a, b, { ignore: ['links', 'allocation'] }), []);
  });
});

describe('removing a tree', () => {
  it('copes with every name, depth and permission', (t) => {
    const root = join(temporaryFolder(t), 'tree');
    makeRandomTree(root, 3, { entries: 60 });
    let path = root;
    for (let depth = 0; depth < 10; depth++) {
      path = join(path, 'd');
      mkdirSync(path, { recursive: true });
    }
    chmodSync(path, 0);
    removeTree(root);
    assert.equal(existsSync(root), false);
    removeTree(root);
  });
});

/** f: a file; hole: 1 MiB of hole; s: a link; all times at second 5. */
function makeSmallTree(root: string): void {
  mkdirSync(root);
  writeFileSync(join(root, 'f'), 'abcd', { mode: 0o644 });
  writeFileSync(join(root, 'hole'), '');
  truncateSync(join(root, 'hole'), 1024 * 1024);
  symlinkSync('x', join(root, 's'));
  setTimesOf(root);
}

function setTimesOf(root: string): void {
  for (const name of ['f', 'hole', 's', 'new', '.']) {
    if (name !== 's' && !existsSync(join(root, name))) continue;
    try {
      lutimesSync(join(root, name), 5, 5);
    } catch {
      // The case removed it.
    }
  }
}

function keepingTimes(root: string, change: () => void): void {
  change();
  setTimesOf(root);
}

function relink(root: string, target: string): void {
  rmSync(join(root, 's'));
  symlinkSync(target, join(root, 's'));
}

function fill(root: string): void {
  writeFileSync(join(root, 'hole'), Buffer.alloc(1024 * 1024, 1));
}

function setAttribute(root: string): void {
  withParent(root, [Buffer.from('f')], (directoryFd, name) => {
    const fd = openPathAt(directoryFd, name);
    setExtendedAttribute(fd, 'user.a', Buffer.from([1]));
    close(fd);
  });
}
