import type { SealedTree } from '../../repository/tree-loader.ts';

/** The parent's nodes as text that was opened already, in shared memory. */
export interface TreeSlice {
  readonly id: string;
  readonly text: SharedArrayBuffer;
  readonly start: number;
  readonly end: number;
}

/** A folder of the source, or some of a large one, and what the parent snapshot has of it. */
export interface FolderToCompare {
  /** The folder, open. */
  readonly fd: number;
  /** What is in it, in ascending order, with a slash between: sending a list of strings takes longer. */
  readonly names: string;
  readonly tree: SealedTree | TreeSlice;
}

export interface FoldersToCompare {
  readonly folders: readonly FolderToCompare[];
  /** Of the pass's ReliedBlobs: the blobs of files that are kept are noted there. */
  readonly relied: SharedArrayBuffer;
}

/** Nodes of neighbours that are kept, as the parent has them. */
export interface KeptNodes {
  /** Place of the first one's name. */
  readonly place: number;
  readonly text: string;
}

/** Which files of a folder stand in the parent's tree just as they are. */
export interface ComparedFolder {
  /** By the places of the names: the size of a file that is kept, -1 for all else. */
  readonly sizes: Float64Array;
  /** Their nodes; none where all names are kept and the parent has no others, as then nothing has to be written. */
  readonly kept: readonly KeptNodes[];
  /** The texts of the parent's other nodes, with commas between. */
  readonly rest: string;
}
