import { CancelledError, RepositoryError, StoreError } from '../base/errors.ts';

/** What is damaged. Something of a snapshot is lost, or may be. */
export type CheckErrorKind =
  /** A key file is malformed or does not hash to its name: its password may open nothing. */
  | 'key-damaged'
  /** An index file cannot be read: the packs that only it lists are unknown. */
  | 'index-damaged'
  /** Two index files say different things of one pack. */
  | 'index-conflict'
  | 'pack-missing'
  /** A pack file is longer or shorter than its blobs make it. */
  | 'pack-size'
  /** A pack does not hash to its name, or its header is not what the index says. */
  | 'pack-damaged'
  | 'blob-damaged'
  | 'snapshot-damaged'
  | 'tree-missing'
  | 'tree-damaged'
  /** A file's contents are in no index. */
  | 'blob-missing';

/** What deserves to be known, and loses nothing. */
export type CheckHintKind =
  /** No index lists the pack: space that prune frees; the trace of a pass that was interrupted. */
  | 'orphan-pack'
  /** Several index files list the pack, with the same contents. */
  | 'duplicate-pack'
  /** A pack holds data and trees, as restic before 0.8 wrote them. */
  | 'mixed-pack'
  /** A two-phase prune marked the pack for deletion. */
  | 'marked-pack'
  /** A file's size is not that of its contents. */
  | 'file-size'
  /** The store's listing left out a pack that exists. */
  | 'incomplete-listing';

/** The first place at which a damage was met; others may share it. */
export interface AffectedPath {
  readonly snapshotId: string;
  /** Absolute within the snapshot; U+FFFD stands for bytes that are not UTF-8. */
  readonly path: string;
}

/** One damage. */
export interface CheckError {
  readonly kind: CheckErrorKind;
  /** A file of the repository, or a blob's id. */
  readonly where: string;
  readonly message: string;
  readonly affects?: AffectedPath | undefined;
}

/** One remark. */
export interface CheckHint {
  readonly kind: CheckHintKind;
  readonly where: string;
  readonly message: string;
}

/** What a check went through; numbers of things, and of bytes where the name says so. */
export interface CheckCounts {
  snapshots: number;
  indexFiles: number;
  packs: number;
  blobs: number;
  trees: number;
  /** Packs read whole, and their bytes. */
  packsRead: number;
  bytesRead: number;
}

/** What a check found. */
export interface CheckReport {
  /** At most {@link listedFindings}; `errorCount` counts all. The repository is sound when it is 0. */
  readonly errors: readonly CheckError[];
  readonly errorCount: number;
  /** What deserves to be known and loses nothing. At most {@link listedFindings}. */
  readonly hints: readonly CheckHint[];
  readonly hintCount: number;
  /** Snapshots of which something cannot be restored, as far as this check has looked; ids, oldest first. */
  readonly affectedSnapshots: readonly string[];
  readonly counts: Readonly<CheckCounts>;
}

/** A repository that lost everything must not fill the memory with reports of it. */
export const listedFindings = 1000;

/** Collects findings while a check runs. */
export class CheckFindings {
  readonly errors: CheckError[] = [];
  readonly hints: CheckHint[] = [];
  errorCount = 0;
  hintCount = 0;
  readonly counts: CheckCounts = {
    snapshots: 0,
    indexFiles: 0,
    packs: 0,
    blobs: 0,
    trees: 0,
    packsRead: 0,
    bytesRead: 0,
  };

  error(kind: CheckErrorKind, where: string, message: string, affects?: AffectedPath): void {
    if (++this.errorCount <= listedFindings) this.errors.push({ kind, where, message, affects });
  }

  hint(kind: CheckHintKind, where: string, message: string): void {
    if (++this.hintCount <= listedFindings) this.hints.push({ kind, where, message });
  }
}

/**
 * What is wrong with the stored thing, as one line; rethrows errors that say nothing of it (the network, a denied
 * permission, cancellation, a bug).
 */
export function damageOf(error: unknown): string {
  if (error instanceof CancelledError) throw error;
  if (error instanceof RepositoryError) return reasons(error);
  if (error instanceof StoreError && (error.code === 'not-found' || error.code === 'corrupt'))
    return reasons(error);
  throw error;
}

function reasons(error: RepositoryError | StoreError): string {
  const { cause } = error;
  if (cause instanceof RepositoryError || cause instanceof StoreError) return `${error.what}: ${cause.what}`;
  return error.what;
}
