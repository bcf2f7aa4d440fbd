import type { StoredSnapshot } from '../../repository/snapshots.ts';

/** Running counts of a copy; all grow only. */
export interface CopyCounts {
  /** Snapshots that are to be copied; those that were copied before are not among them. */
  snapshots: number;
  /** Of these, copied or failed. */
  snapshotsDone: number;
  /** Blobs that the target lacked, as far as they were found. */
  dataBlobs: number;
  treeBlobs: number;
  /** Bytes of these data blobs as they stand in the source's packs. */
  bytesFound: number;
  /** Of these, fetched and taken over. */
  bytesCopied: number;
  /** Bytes of new blobs, trees too, as they stand in the target's packs. */
  bytesAdded: number;
}

/** What a copy reports while it runs: `status` up to ten times a second, the others as they happen. */
export type CopyEvent =
  | { readonly type: 'status'; readonly counts: Readonly<CopyCounts>; readonly elapsedMs: number }
  /** `targetId` is undefined in a dry run. */
  | { readonly type: 'copied'; readonly snapshot: StoredSnapshot; readonly targetId: string | undefined }
  /** It was copied before. */
  | { readonly type: 'skipped'; readonly snapshot: StoredSnapshot; readonly targetId: string }
  /** Something that the snapshot needs is missing or damaged in the source: it is not written. */
  | { readonly type: 'failed'; readonly snapshot: StoredSnapshot; readonly error: Error }
  | { readonly type: 'warning'; readonly message: string };

export function newCopyCounts(): CopyCounts {
  return {
    snapshots: 0,
    snapshotsDone: 0,
    dataBlobs: 0,
    treeBlobs: 0,
    bytesFound: 0,
    bytesCopied: 0,
    bytesAdded: 0,
  };
}
