import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { FileSystemError } from '../../src/base/errors.ts';
import { createRandom, scaled } from '../support/seed.ts';
import { readContents, readTree } from '../support/tree-entry.ts';
import { restoreAll, stageAll, workplace } from './copying.ts';
import type { SwapperData } from './symlink-swapper.ts';

const secret = Buffer.from('what stands outside and must stay there');

/** Starts a swapper; ends with it, and says how often it swapped. */
async function underAttack(
  t: TestContext,
  swaps: SwapperData['swaps'],
  work: () => Promise<void>,
): Promise<void> {
  const flags = new Int32Array(new SharedArrayBuffer(8));
  const workerData: SwapperData = { swaps, flags };
  const swapper = new Worker(new URL('symlink-swapper.ts', import.meta.url), { workerData });
  const ended = new Promise((resolve) => swapper.once('exit', resolve));
  try {
    await new Promise((resolve) => swapper.once('online', resolve));
    await work();
  } finally {
    Atomics.store(flags, 0, 1);
    await ended;
  }
  t.diagnostic(`${flags[1]} swaps`);
  assert.ok((flags[1] ?? 0) > 100, 'the swapper had its chance');
}

function makeTree(root: string): void {
  const random = createRandom(1);
  for (const folder of ['first', 'second', 'second/deep']) {
    mkdirSync(join(root, folder), { recursive: true });
    for (let i = 0; i < 20; i++) writeFileSync(join(root, folder, `file-${i}`), random.bytes(3000));
  }
}

function makeOutside(folder: string): string {
  const outside = join(folder, 'outside');
  makeTree(outside);
  for (const { path, status } of readTree(outside)) {
    if (status.type === 'file') writeFileSync(join(outside, ...path.map(String)), secret);
  }
  return outside;
}

/** Paths that are swapped for their counterparts outside. */
function swapsOf(root: string, outside: string): SwapperData['swaps'] {
  return ['first', 'second', 'second/deep', 'second/file-3'].map((path) => ({
    path: join(root, path),
    outside: join(outside, path),
  }));
}

function portrait(root: string): string[] {
  return readTree(root).map(({ path, status }) => {
    const { inode, mode, uid, gid, links, sizeBytes, mtimeNs, ctimeNs } = status;
    return [path.join('/'), inode, mode, uid, gid, links, sizeBytes, mtimeNs, ctimeNs].join(' ');
  });
}

test('an attacker who swaps the target’s folders for links gets nothing outside changed', async (t) => {
  const { folder, repository } = await workplace(t);
  const [source, target] = [join(folder, 'source'), join(folder, 'target')];
  makeTree(source);
  await stageAll(repository, source);
  const outside = makeOutside(folder);
  const before = portrait(outside);
  mkdirSync(target);
  const endMs = performance.now() + scaled(4000, 60_000);
  let failures = 0;
  await underAttack(t, swapsOf(target, outside), async () => {
    for (let round = 0; performance.now() < endMs; round++) {
      // Not removed: what removes under attack would itself go astray.
      if (round % 3 === 2) renameSync(target, join(folder, `target-${round}`));
      const restored = await restoreAll(repository, target, { delete: round % 2 === 0 });
      for (const error of restored.errors.values())
        assert.ok(error instanceof FileSystemError, String(error));
      failures += restored.errors.size;
    }
  });
  t.diagnostic(`${failures} entries were refused`);
  assert.deepEqual(portrait(outside), before);
});

test('an attacker who swaps the source’s folders for links gets nothing outside stored', async (t) => {
  const { folder, repository } = await workplace(t);
  const [source, target] = [join(folder, 'source'), join(folder, 'target')];
  makeTree(source);
  const outside = makeOutside(folder);
  const endMs = performance.now() + scaled(4000, 60_000);
  let passes = 0;
  await underAttack(t, swapsOf(source, outside), async () => {
    while (performance.now() < endMs) {
      const staged = await stageAll(repository, source, { force: true });
      for (const error of staged.errors.values()) assert.ok(error instanceof FileSystemError, String(error));
      passes++;
    }
  });
  t.diagnostic(`${passes} passes`);
  for (const id of await repository.listIds('snapshots')) {
    rmSync(target, { recursive: true, force: true });
    await restoreAll(repository, target, { snapshot: `${id}:/v` });
    for (const { path, status } of readTree(target)) {
      if (status.type !== 'file') continue;
      assert.ok(!readContents(target, path).includes(secret), path.join('/'));
    }
  }
});
