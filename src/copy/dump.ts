import { RepositoryError } from '../base/errors.ts';
import { readFileContent } from '../repository/file-content.ts';
import { loadIndex } from '../repository/loaded-index.ts';
import type { Repository } from '../repository/repository.ts';
import { nodeAt, parseSnapshotPath } from '../repository/snapshot-path.ts';
import { findSnapshot } from '../repository/snapshots.ts';
import type { SnapshotFilter } from '../repository/snapshots.ts';
import { TreeLoader } from '../repository/tree-loader.ts';
import { tarStream } from './archive/tar-stream.ts';
import { streamUnderSharedLock } from './shared-lock.ts';

/** Which file is read. */
export interface ReadFileOptions {
  /** A file of a snapshot: `latest:/path/of/file`, or an id or the beginning of one instead of `latest`. */
  readonly snapshot: string;
  /** Narrows `latest`. */
  readonly filter?: SnapshotFilter | undefined;
  /** How long to wait for another's exclusive lock, in milliseconds. Default 0: fail at once with `locked`. */
  readonly retryLockMs?: number | undefined;
  /** Takes no lock, for a repository that cannot be written. Default false. */
  readonly noLock?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Which folder is read. */
export interface ReadArchiveOptions extends Omit<ReadFileOptions, 'snapshot'> {
  /** A snapshot or a folder of one: `latest`, `latest:/path/of/folder`. The folder itself has no entry. */
  readonly snapshot: string;
  /**
   * Called with the path and the reason of each item that the archive lacks, such as a socket. Default: nobody is told.
   */
  readonly onWarning?: ((path: Uint8Array, message: string) => void) | undefined;
}

/**
 * The bytes of a file in a snapshot, in pieces of up to a few MiB that must not be changed. What is fetched runs ahead
 * of what is taken by a bounded number of bytes, however large the file is. A shared lock is held from the first piece
 * until the reader stops.
 *
 * Throws, at the first piece or a later one, RepositoryError `not-found` (no such snapshot or path), `unsupported` (no
 * file), `corrupt` or `locked`, StoreError, CancelledError.
 *
 * @example
 * for await (const piece of readFile(repository, { snapshot: 'latest:/data/greeting' })) process.stdout.write(piece);
 */
export function readFile(
  repository: Repository,
  options: ReadFileOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  return streamUnderSharedLock(repository, options, async function* (signal) {
    yield* (await openDumped(repository, { ...options, wanted: 'a file' }, signal)).contents;
  });
}

/**
 * All below a folder of a snapshot as a tar archive, in pieces; as {@link readFile} otherwise. The archive is of the
 * pax format, with names of any bytes, times to the nanosecond, extended attributes and ACLs (the `SCHILY` records of
 * star and GNU tar), hard links, FIFOs and devices; holes become zeros. An error ends it half-way, without its end
 * mark.
 *
 * @example
 * await pipeline(readArchive(repository, { snapshot: 'latest:/data' }), createWriteStream('data.tar'));
 */
export function readArchive(
  repository: Repository,
  options: ReadArchiveOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  return streamUnderSharedLock(repository, options, async function* (signal) {
    yield* (await openDumped(repository, { ...options, wanted: 'a folder' }, signal)).contents;
  });
}

/** What is dumped, and how. */
interface DumpOptions extends Pick<ReadArchiveOptions, 'snapshot' | 'filter' | 'onWarning'> {
  /** For the message when the path leads to something else. */
  readonly wanted: 'a file' | 'a folder' | 'a file or a folder';
  /** What stands before the names in an archive, without a slash at either end. Default: nothing. */
  readonly prefix?: Uint8Array | undefined;
}

/** What a path of a snapshot leads to: the bytes of a file, or a folder as a tar archive. */
export interface DumpedItem {
  readonly type: 'file' | 'folder';
  readonly contents: AsyncGenerator<Uint8Array, void, undefined>;
}

/** As {@link readFile} and {@link readArchive}, for whoever holds a lock. Reads nothing of the item's contents yet. */
export async function openDumped(
  repository: Repository,
  options: DumpOptions,
  signal: AbortSignal,
): Promise<DumpedItem> {
  const { wanted, prefix = new Uint8Array(0), onWarning = () => {} } = options;
  const path = parseSnapshotPath(options.snapshot);
  const snapshot = await findSnapshot(repository, path.snapshot, options.filter, signal);
  const index = await loadIndex(repository, signal);
  const node = await nodeAt(new TreeLoader(repository, index, signal), snapshot, path.names);
  const tree = node === undefined ? snapshot.tree : node.subtree;
  if (node?.type === 'file' && wanted !== 'a folder') {
    return { type: 'file', contents: readFileContent(repository, index, node, signal) };
  }
  if (tree !== undefined && wanted !== 'a file') {
    return {
      type: 'folder',
      contents: tarStream({ repository, index, tree, prefix, onWarning, signal }),
    };
  }
  const where = `${snapshot.id.slice(0, 8)}:/${path.names.join('/')}`;
  const type = node?.type ?? 'dir';
  throw new RepositoryError('unsupported', `not ${wanted}, but a node of type ${type}`, { where });
}
