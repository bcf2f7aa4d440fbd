import { parseTimestamp } from './format/timestamp.ts';
import type { TreeNode } from './format/tree-node.ts';
import type { SearchHit, SearchQuery } from './snapshot-search.ts';

/** Patterns over absolute paths of any bytes. */
export interface PathPatterns {
  matches(path: Uint8Array): boolean;
  /** False only when no path below the folder matches. */
  mayMatchBelow(path: Uint8Array): boolean;
  /** True when a path matches exactly when one of its components, taken alone, does. */
  readonly isByName: boolean;
}

export interface PathQueryOptions {
  readonly patterns: PathPatterns;
  /** Nanoseconds since the epoch, of the modification time; both limits are included. */
  readonly oldestNs?: bigint | undefined;
  readonly newestNs?: bigint | undefined;
}

/** Looks for items whose paths match patterns and whose modification times lie between limits. */
export class PathQuery implements SearchQuery {
  readonly #options: PathQueryOptions;

  constructor(options: PathQueryOptions) {
    this.#options = options;
  }

  hitsOfRoot(): readonly SearchHit[] {
    return [];
  }

  hitsOf(node: TreeNode, path: Buffer): readonly SearchHit[] {
    const isHit = this.#options.patterns.matches(path) && this.#isInTime(node);
    return isHit ? [{ type: 'node', path, node }] : [];
  }

  mayHitBelow(path: Buffer): boolean {
    return this.#options.patterns.mayMatchBelow(path);
  }

  /** Below a folder that matches by name everything does; below another one only the names below it count. */
  isSameEverywhere(path: Buffer): boolean {
    const { patterns } = this.#options;
    return patterns.isByName && !patterns.matches(path);
  }

  #isInTime({ mtime }: TreeNode): boolean {
    const { oldestNs, newestNs } = this.#options;
    if (oldestNs === undefined && newestNs === undefined) return true;
    const timeNs = parseTimestamp(mtime);
    return (oldestNs === undefined || timeNs >= oldestNs) && (newestNs === undefined || timeNs <= newestNs);
  }
}
