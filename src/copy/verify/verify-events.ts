/** One difference between the snapshot and the target. */
export interface Difference {
  /** Path below the target. */
  readonly path: Uint8Array;
  readonly kind:
    | 'missing'
    | 'extra'
    | 'type'
    | 'content'
    | 'size'
    | 'mode'
    | 'owner'
    | 'mtime'
    | 'link-target'
    | 'hard-link'
    | 'extended-attributes'
    | 'device'
    | 'unreadable';
  /** What the snapshot says and what the target has, for a person. */
  readonly expected: string;
  readonly found: string;
}

export interface VerifyCounts {
  files: number;
  directories: number;
  others: number;
  bytesCompared: number;
  differences: number;
}

export type VerifyEvent =
  | { readonly type: 'status'; readonly counts: Readonly<VerifyCounts>; readonly elapsedMs: number }
  | { readonly type: 'difference'; readonly difference: Difference };
