import type { TransportedError } from '../../base/error-transport.ts';
import type { InodeMetadata } from '../restore/metadata.ts';

/** A file of a restore that one job deals with from its opening to its closing. */
export interface WholeFile {
  readonly directoryFd: number;
  /** Its bytes as Latin-1 text. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Its chunks in order, as rows of the blob index. */
  readonly rows: readonly number[];
}

export interface FileToMake extends WholeFile {
  readonly metadata: InodeMetadata;
  /** Something had its name when the restore was planned: the file is made beside it. */
  readonly replaces: boolean;
  /** Its inode is asked for. */
  readonly hasMoreNames: boolean;
}

/** Files whose chunks all stand in one part of a pack. */
export interface FilesToMake {
  readonly packId: string;
  /** In shared memory, which nobody writes to until the job is done. */
  readonly bytes: Uint8Array;
  /** Offset of `bytes` in the pack. */
  readonly start: number;
  readonly files: readonly FileToMake[];
  readonly sparse: boolean;
  /** A directory in the place of a file may be removed. */
  readonly mayDelete: boolean;
}

/** What became of one file, by its place in the request. */
export interface MadeFile {
  readonly place: number;
  /** Set when nothing of the file is left in the target. */
  readonly error?: TransportedError | undefined;
  /** What the target did not take of its metadata. */
  readonly faults: readonly string[];
  /** Of a file that has more names. */
  readonly inode?: bigint | undefined;
}

export interface FileToCompare extends WholeFile {
  /** The inode that must stand there; undefined where any file may. */
  readonly inode: bigint | undefined;
  /** Given to a file whose contents are right; undefined leaves the file as it is. */
  readonly metadata: InodeMetadata | undefined;
}

/** What became of one file, by its place in the request. */
export type ComparedFile = { readonly place: number } & (
  | { readonly outcome: 'equal'; readonly faults: readonly string[] }
  /** `chunks` are those that differ, by their places; none when only the size does. */
  | { readonly outcome: 'different'; readonly chunks: readonly number[] }
  | { readonly outcome: 'failed'; readonly error: TransportedError; readonly mayNotRead: boolean }
);
