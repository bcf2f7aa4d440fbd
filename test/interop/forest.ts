/** Several random trees in one folder: what costs most, the start of a program, is then paid once for all of them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeRandomTree, mutateTree } from '../support/random-tree.ts';
import type { RandomTreeOptions } from '../support/random-tree.ts';

/** Trees that restic can follow: its times end in 2262, and it joins paths. */
const resticTrees: RandomTreeOptions = { resticTimes: true, maxPathBytes: 2000 };

/** Makes the folder and `trees` trees in it, `tree-0` and on. */
export function makeForest(root: string, seed: number, trees: number): void {
  mkdirSync(root);
  for (let i = 0; i < trees; i++) makeRandomTree(treeOf(root, i), seed * 1000 + i, resticTrees);
}

/** Changes some trees, at least one. Returns what was done, one line a change. */
export function mutateForest(root: string, seed: number, trees: number): string[] {
  const changed = Array.from({ length: trees }, (_, i) => i).filter((i) => i === 0 || (seed + i) % 3 !== 0);
  return changed.flatMap((i) => mutateTree(treeOf(root, i), seed * 1000 + 500 + i, resticTrees));
}

function treeOf(root: string, i: number): string {
  return join(root, `tree-${i}`);
}
