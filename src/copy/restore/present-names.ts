import type { PlannedFile } from './restore-plan.ts';

/** How many names of the target's inodes belong to the files that a plan has for them. */
export class PresentNames {
  readonly #counts = new Map<string, number>();

  /** Notes that a name of the file stands there already, for this inode. */
  add(file: number, inode: bigint): void {
    const key = `${file}:${inode}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /**
   * True when every name of the inode that stands in the file's place is a name of that file. One with a name
   * elsewhere, in another file of the plan or outside of the target, must not be touched: its contents and metadata
   * are not the file's alone.
   */
  areAll(index: number, file: PlannedFile): boolean {
    if (file.presentLinks <= 1 || file.presentInode === undefined) return true;
    return this.#counts.get(`${index}:${file.presentInode}`) === file.presentLinks;
  }
}
