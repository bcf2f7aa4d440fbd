import type { TransportedError } from '../../base/error-transport.ts';
import type { Latin1Name } from '../../base/file-system.ts';
import type { SharedBlobIndex } from '../../repository/blob-index.ts';
import type { MasterKey } from '../../repository/crypto/cipher.ts';
import type { PackedBlob } from '../../repository/format/blob.ts';
import type { OpenPack } from '../../repository/pack-builder.ts';
import type { RepositorySecrets } from '../../repository/repository.ts';
import type { ClaimedBlob } from './blob-sealer.ts';
import type { ComparedFolder, FoldersToCompare } from './folder-comparison.ts';
import type { StoredBatch } from './stored-batch.ts';
import type { ComparedFile, FilesToMake, FileToCompare, MadeFile } from './whole-file.ts';

/** How hard to compress; the zstd level behind each word is in blob-sealer.ts. */
export type Compression = 'off' | 'fastest' | 'auto' | 'better' | 'max';

/** What the workers of a pass work with. Everything here can be posted; the index is shared memory. */
export interface WorkerSetup {
  readonly secrets: RepositorySecrets;
  readonly index: SharedBlobIndex;
  readonly compression: Compression;
  readonly packSizeBytes: number;
  /** Open each sealed blob again before it is uploaded. */
  readonly verifySealed: boolean;
  /** Key of the repository that blobs are copied from; only a copy has one. */
  readonly sourceKey?: MasterKey | undefined;
}

/** A file below an open directory. */
export interface FileReference {
  readonly directoryFd: number;
  readonly name: Latin1Name;
  /** Its name in the snapshot, where that is another one. */
  readonly storedName?: Latin1Name | undefined;
}

/**
 * Where a job reads bytes: an open file, or a section of a stream in shared memory, which nobody writes to until the
 * job is done. Positions in a section count from its first byte.
 */
export type ByteSource =
  | { readonly kind: 'file'; readonly fd: number }
  | { readonly kind: 'memory'; readonly buffer: SharedArrayBuffer; readonly lengthBytes: number };

/** Chunks of a file as they were stored. */
export interface StoredContent {
  /** Data blob ids in order. */
  readonly content: readonly string[];
  /** Those of them that were there already; the others come with the packs that hold them. */
  readonly known: readonly string[];
  readonly sizeBytes: number;
  readonly addedBytes: number;
}

export interface StoredFile extends Omit<StoredContent, 'content'> {
  /** Size or times moved between the first and the last read. */
  readonly changedWhileRead: boolean;
  /** The text of its node, made where the file is read: its metadata as an object would cost more to send. */
  readonly node: string;
}

export type StoreFileResult =
  | { readonly outcome: 'stored'; readonly file: StoredFile }
  | { readonly outcome: 'failed'; readonly error: TransportedError };

export interface Cut {
  readonly lengthBytes: number;
  /** True when the chunk holds zeros only, as the file system says or as was read: it need not be read to be stored. */
  readonly isHole: boolean;
}

export interface ChunkTarget {
  readonly fd: number;
  readonly position: number;
  /** True when nothing has been written there yet: zeros then need not be written to become a hole. */
  readonly isFresh: boolean;
}

/** One blob of a pack and the places its plaintext goes to. */
export interface BlobToWrite {
  readonly id: string;
  /** Offset in the bytes that are sent with the job. */
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
  readonly targets: readonly ChunkTarget[];
}

export interface BlobFailure {
  readonly id: string;
  readonly error: TransportedError;
  /** Indexes into `targets` that were not written; all of them when the blob itself is damaged. */
  readonly targets: readonly number[];
}

/** A sealed blob in the bytes of a pack that are sent with a job. */
export interface BlobToCopy {
  readonly id: string;
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
}

export interface ExpectedChunk {
  readonly id: string;
  readonly lengthBytes: number;
}

/** Every job a worker does: what is asked and what comes back. */
export interface Jobs {
  /** Reads, cuts and stores whole files. */
  'store-files': { request: { files: readonly FileReference[] }; response: StoredBatch };
  /** Finds the files that the parent snapshot has just so; undefined where its tree cannot be compared. */
  'compare-folders': { request: FoldersToCompare; response: readonly (ComparedFolder | undefined)[] };
  /** Finds cuts from `position` (a cut, or 0) on, for at least `budgetBytes` unless the source ends before. */
  'find-cuts': {
    request: { source: ByteSource; position: number; budgetBytes: number };
    response: { cuts: readonly Cut[]; isEnd: boolean };
  };
  /** Reads and stores chunks that lie one after the other. Fewer ids than lengths come back when the file shrank. */
  'store-chunks': {
    request: { source: ByteSource; position: number; lengths: readonly number[] };
    /** `isShort` when the file ended before the last chunk did. */
    response: StoredContent & { readonly isShort: boolean };
  };
  /** Stores a chunk of zeros, for the holes of files. */
  'store-zeros': { request: { lengthBytes: number }; response: Jobs['store-chunks']['response'] };
  /** Stores a tree blob that the caller has claimed. */
  'store-tree': { request: ClaimedBlob; response: { addedBytes: number } };
  /** Takes over data blobs of another repository, which the caller has claimed. Those that are damaged come back. */
  'copy-blobs': {
    request: { packId: string; bytes: Uint8Array; blobs: readonly BlobToCopy[] };
    response: readonly { readonly id: string; readonly error: TransportedError }[];
  };
  /** Hands over the packs that are not full yet, with their buffers, which do not come back. */
  flush: { request: object; response: readonly OpenPack[] };
  /** Makes whole files; those that there is something to be told of come back. */
  'make-files': { request: FilesToMake; response: readonly MadeFile[] };
  /** Opens blobs and writes them to files; with `sparse`, runs of zeros become holes. */
  'write-blobs': {
    request: {
      packId: string;
      bytes: Uint8Array;
      blobs: readonly BlobToWrite[];
      sparse: boolean;
      /** True when somebody will wait until all is on the disk. */
      synchronise: boolean;
    };
    response: { failures: readonly BlobFailure[]; writtenBytes: number };
  };
  /** Compares a file with its chunks; the indexes of those that differ come back. */
  'compare-chunks': {
    request: { fd: number; position: number; chunks: readonly ExpectedChunk[] };
    response: { different: readonly number[] };
  };
  /** Compares whole files; those that are equal, and of which there is nothing to be told, do not come back. */
  'compare-files': { request: { files: readonly FileToCompare[] }; response: readonly ComparedFile[] };
}

export type JobKind = keyof Jobs;

export interface JobMessage<K extends JobKind = JobKind> {
  readonly kind: 'job';
  readonly jobId: number;
  readonly job: K;
  readonly request: Jobs[K]['request'];
}

/** Gives a pack buffer back to the worker that filled it. */
export interface BufferMessage {
  readonly kind: 'buffer';
  readonly buffer: SharedArrayBuffer;
}

/** Ends the worker after the job it is at. */
export interface CloseMessage {
  readonly kind: 'close';
}

/** The first message to every worker; a thread may have come up long before. */
export interface SetupMessage {
  readonly kind: 'setup';
  readonly setup: WorkerSetup;
}

export type ToWorker = SetupMessage | JobMessage | BufferMessage | CloseMessage;

export interface FilledPack {
  readonly kind: 'pack';
  readonly id: string;
  /** Shared: the worker does not touch it until it comes back. */
  readonly buffer: SharedArrayBuffer;
  readonly lengthBytes: number;
  readonly blobs: readonly PackedBlob[];
}

/** The answer to the setup: the thread has come up. */
export interface ReadyMessage {
  readonly kind: 'ready';
}

export type FromWorker =
  | ReadyMessage
  | { readonly kind: 'done'; readonly jobId: number; readonly response: unknown }
  | { readonly kind: 'failed'; readonly jobId: number; readonly error: TransportedError }
  | FilledPack;
