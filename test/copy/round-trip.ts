/** Random trees through a repository and back, twice; shared by the test and by its program without root's rights. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { initQuickly } from '../support/quick-repository.ts';
import { makeRandomTree, mutateTree } from '../support/random-tree.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { removeTree } from '../support/temporary-folder.ts';
import { restoreAll, stageAll, verifyAll } from './copying.ts';

/**
 * Fills `folder` with `trees` random trees, moves them all in one pass, changes each and moves them again over the
 * first result. An even seed cuts with fastcdc, an odd one with rabin. Throws when anything differs; removes what it
 * made.
 */
export async function roundTrip(folder: string, seed: number, trees: number): Promise<void> {
  const [source, target] = [join(folder, 'source'), join(folder, 'target')];
  const location = join(folder, 'repository');
  const repository = await initQuickly(location, { chunker: seed % 2 === 0 ? 'fastcdc' : 'rabin' });
  const names = Array.from({ length: trees }, (_, i) => `tree-${i}`);
  try {
    mkdirSync(source);
    for (const [i, name] of names.entries()) makeRandomTree(join(source, name), seed * 1000 + i);
    await move(repository, source, target, names, {});
    for (const [i, name] of names.entries()) mutateTree(join(source, name), seed * 1000 + 500 + i);
    await move(repository, source, target, names, { delete: true });
  } finally {
    await repository.store.close();
    for (const path of [source, target, location]) removeTree(path);
  }
}

async function move(
  repository: Parameters<typeof stageAll>[0],
  source: string,
  target: string,
  names: readonly string[],
  options: { readonly delete?: boolean },
): Promise<void> {
  const staged = await stageAll(repository, source, { workers: 2 });
  assert.deepEqual([...staged.errors, ...staged.warned], []);
  const restored = await restoreAll(repository, target, { ...options, workers: 2 });
  assert.deepEqual([...restored.errors, ...restored.warned], []);
  assert.equal(restored.isPartial || staged.isPartial, false);
  // What was taken over from the parent is what reading everything gives.
  const read = await stageAll(repository, source, { workers: 2, force: true });
  assert.equal(read.tree, staged.tree);
  const differences = names.flatMap((name) =>
    compareTrees(join(source, name), join(target, name)).map((difference) => `${name}/${difference}`),
  );
  assert.deepEqual(differences, []);
  assert.deepEqual(readdirSync(target).toSorted(), readdirSync(source).toSorted());
  const verified = await verifyAll(repository, target, { workers: 2 });
  assert.deepEqual(verified.differences, []);
}
