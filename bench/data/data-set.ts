import type { TreeChanges } from './tree-changes.ts';

/** A tree that programs stage, the same wherever and whenever it is made. */
export interface DataSet {
  readonly name: string;
  /** What it holds, in a few words; at full size. */
  readonly about: string;
  /** Fills an empty folder. `scale` is the size, 1 for the one that figures are published for. */
  readonly fill: (folder: string, scale: number) => Promise<void>;
  /** Changes a hundredth of it. */
  readonly change: (folder: string, scale: number, changes: TreeChanges) => Promise<void>;
}
