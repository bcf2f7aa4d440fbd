import type { TranshipError } from '../../base/errors.ts';

/** Running counts of a stage pass; all grow only. */
export interface StageCounts {
  filesNew: number;
  filesChanged: number;
  filesUnmodified: number;
  dirsNew: number;
  dirsChanged: number;
  dirsUnmodified: number;
  /** Links, devices, FIFOs. */
  othersProcessed: number;
  /** Bytes of the files done, read or known to be unchanged. */
  bytesProcessed: number;
  dataBlobs: number;
  treeBlobs: number;
  /** Plaintext bytes of new blobs. */
  dataAdded: number;
  /** Bytes of new blobs as they stand in packs. */
  dataAddedPacked: number;
  errors: number;
}

/**
 * What a stage pass reports while it runs: `status` up to ten times a second, the others as they happen.
 * Paths are bytes, as the source has them. The path of an `item` is made when it is read, which must be done while the
 * event is being handled: no copy of the event has it.
 */
export type StageEvent =
  | {
      readonly type: 'status';
      readonly counts: Readonly<StageCounts>;
      /** Folders being read. */
      readonly current: readonly Uint8Array[];
      readonly elapsedMs: number;
    }
  | {
      readonly type: 'item';
      readonly action: 'new' | 'changed' | 'unchanged';
      readonly path: Uint8Array;
      readonly isDirectory: boolean;
      readonly sizeBytes: number;
      readonly addedBytes: number;
    }
  | { readonly type: 'excluded'; readonly path: Uint8Array }
  /** The item is left out of the snapshot, which makes the pass partial. */
  | { readonly type: 'error'; readonly path: Uint8Array; readonly error: TranshipError }
  /** The item is in the snapshot, but not surely as it was at one moment. */
  | { readonly type: 'warning'; readonly path: Uint8Array; readonly message: string };

export function newCounts(): StageCounts {
  return {
    filesNew: 0,
    filesChanged: 0,
    filesUnmodified: 0,
    dirsNew: 0,
    dirsChanged: 0,
    dirsUnmodified: 0,
    othersProcessed: 0,
    bytesProcessed: 0,
    dataBlobs: 0,
    treeBlobs: 0,
    dataAdded: 0,
    dataAddedPacked: 0,
    errors: 0,
  };
}
