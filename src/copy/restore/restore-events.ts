import type { TranshipError } from '../../base/errors.ts';

/** Running counts of a restore; all grow only, the totals once the plan is made. */
export interface RestoreCounts {
  filesTotal: number;
  bytesTotal: number;
  filesRestored: number;
  /** Files that were as they should be already. */
  filesSkipped: number;
  bytesRestored: number;
  bytesSkipped: number;
  directories: number;
  /** Links, devices, FIFOs, further names of hard-linked files. */
  othersRestored: number;
  deleted: number;
  errors: number;
}

/**
 * What a restore reports while it runs: `status` up to ten times a second, the others as they happen. Paths are bytes,
 * below the target.
 */
export type RestoreEvent =
  | { readonly type: 'status'; readonly counts: Readonly<RestoreCounts>; readonly elapsedMs: number }
  | {
      readonly type: 'item';
      readonly action: 'restored' | 'updated' | 'unchanged' | 'deleted';
      readonly path: Uint8Array;
      readonly sizeBytes: number;
    }
  /** The item is missing or incomplete in the target, which makes the restore partial. */
  | { readonly type: 'error'; readonly path: Uint8Array; readonly error: TranshipError }
  /** The item is there, but something of it (owner, attribute) is not what the snapshot says. */
  | { readonly type: 'warning'; readonly path: Uint8Array; readonly message: string };

export function newRestoreCounts(): RestoreCounts {
  return {
    filesTotal: 0,
    bytesTotal: 0,
    filesRestored: 0,
    filesSkipped: 0,
    bytesRestored: 0,
    bytesSkipped: 0,
    directories: 0,
    othersRestored: 0,
    deleted: 0,
    errors: 0,
  };
}
