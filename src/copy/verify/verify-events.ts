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

/** Running counts of a comparison; all grow only. */
export interface VerifyCounts {
  files: number;
  directories: number;
  others: number;
  bytesCompared: number;
  differences: number;
}

/** What a comparison reports while it runs: `status` up to ten times a second, a `difference` for each. */
export type VerifyEvent =
  | { readonly type: 'status'; readonly counts: Readonly<VerifyCounts>; readonly elapsedMs: number }
  | { readonly type: 'difference'; readonly difference: Difference };
