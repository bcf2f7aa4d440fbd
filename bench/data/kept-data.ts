import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataSet } from './data-set.ts';
import { TreeChanges } from './tree-changes.ts';
import { countTree } from '../support/tree-count.ts';
import type { TreeCount } from '../support/tree-count.ts';

/** Counts up whenever a generator makes other contents than before. */
const generation = 2;

/** A data set that lies ready on the disk. */
export interface KeptData {
  readonly name: string;
  readonly about: string;
  readonly scale: number;
  readonly tree: string;
  readonly count: TreeCount;
  /** Changes a hundredth of it; `revert` takes that back. */
  readonly change: () => Promise<void>;
  readonly revert: () => void;
}

/**
 * Makes the data set below `folder`, or finds it there from an earlier run: what is complete has its final name. What
 * a run that was killed had changed is taken back first.
 */
export async function keepData(data: DataSet, scale: number, folder: string): Promise<KeptData> {
  const home = join(folder, `${data.name}-${scale}-${generation}`);
  const tree = join(home, 'tree');
  const countFile = join(home, 'count.json');
  if (!existsSync(home)) {
    mkdirSync(folder, { recursive: true });
    const making = mkdtempSync(join(folder, `.${data.name}-`));
    try {
      mkdirSync(join(making, 'tree'));
      await data.fill(join(making, 'tree'), scale);
      writeFileSync(join(making, 'count.json'), JSON.stringify(countTree(join(making, 'tree'))));
      renameSync(making, home);
    } catch (error) {
      rmSync(making, { recursive: true, force: true });
      throw error;
    }
  }
  const changes = new TreeChanges(tree, join(home, 'changes'));
  changes.undo();
  const { name, about } = data;
  const count: TreeCount = JSON.parse(readFileSync(countFile, 'utf8'));
  return {
    name,
    about,
    scale,
    tree,
    count,
    change: () => data.change(tree, scale, changes),
    revert: () => changes.undo(),
  };
}
