/** Facts about a stored object, as the server tells them. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** Last change by the server's clock, milliseconds since the Unix epoch. */
  readonly modifiedMs: number;
}

/** `create` fails with code `already-exists` when the key is taken; `overwrite` replaces whatever is there. */
export type PutMode = 'create' | 'overwrite';

/** Bytes from `start` (inclusive) to `end` (exclusive). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Options of work that can be cancelled. */
export interface AbortableOptions {
  /** Fired: the work stops and rejects with CancelledError, or with the TranshipError that is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Resolves when so many bytes of a body may be sent; rejects when the signal fires. Whoever waits here waits for this
 * process and not for the server.
 */
export type Pace = (bytes: number, signal: AbortSignal | undefined) => Promise<void>;

/** How a body is sent. */
export interface SendOptions extends AbortableOptions {
  /**
   * Where it is given, a driver that can send a body slice by slice should await it before each, slices being no larger
   * than 16 KiB so that slow connections stay alive, and must not take the wait for silence of the server.
   */
  readonly pace?: Pace | undefined;
}

/** How an object is put. */
export interface PutOptions extends SendOptions {
  /** Default `overwrite`. */
  readonly mode?: PutMode | undefined;
  /**
   * SHA-256 of the whole body in lower-case hex, when the caller has it; a driver that can have the server confirm it
   * must.
   */
  readonly sha256?: string | undefined;
  /**
   * True for contents of files, which nothing but a restore of these files reads: a store may keep them where reading
   * is dearer or slower. Default false.
   */
  readonly holdsContents?: boolean | undefined;
}

/** How an object is read. */
export interface GetOptions extends AbortableOptions {
  /** Default: the whole object. */
  readonly range?: ByteRange | undefined;
  /**
   * True where a piece is needed only until the next one is asked for: its memory may be used again. Default false: the
   * pieces are the caller's.
   */
  readonly borrows?: boolean | undefined;
  /**
   * Memory for the first bytes of what is read. To spare a copy a driver may put them there, from its beginning and
   * without a gap, and yield views of it; it may also leave it alone. It is the driver's until the reading ends.
   */
  readonly into?: Uint8Array | undefined;
}

/** What a listing may be told. */
export interface ListOptions extends AbortableOptions {
  /**
   * A key of which the caller knows all up to and including it: they may be left out, and should be where that spares
   * requests.
   */
  readonly after?: string | undefined;
}

/** What a store can do, as data. */
export interface DriverCapabilities {
  /** Requests that may run at once without harm; a hint for callers that schedule. */
  readonly connections: number;
  /** True when `create` is atomic even between machines. */
  readonly atomicCreate: boolean;
  /** True when the server confirms the bytes of a put by a checksum, or the bytes never leave this machine. */
  readonly confirmsPuts: boolean;
  /** Keys that `deleteMany` deletes with one request at the most. Default 1,000. */
  readonly keysPerDeletion?: number | undefined;
  /** True when the server refuses with `corrupt` a put whose bytes are not those of its `sha256`. Default: no. */
  readonly comparesSha256?: boolean | undefined;
  /** True when aborting an upload takes no permission to delete, and nothing of its parts stays. Default: no. */
  readonly partsLeaveNothing?: boolean | undefined;
  /** True when the store was opened for reading only. Default false. */
  readonly readOnly?: boolean | undefined;
}

/** A body in pieces; the pieces are put one after the other. The driver must not change nor keep them. */
export type ObjectBody = Uint8Array | readonly Uint8Array[];

/** One upload in parts, in progress. Part numbers start at 1; parts may be sent in any order and at once. */
export interface MultipartUpload {
  putPart(partNumber: number, body: Uint8Array, options?: SendOptions): Promise<void>;
  /** Publishes all parts as one object, atomically. */
  complete(options?: AbortableOptions): Promise<void>;
  /** Discards all parts. Must succeed when called twice. */
  abort(): Promise<void>;
}

/**
 * What an implementer of a store provides. Keys are guaranteed to have been validated by ObjectStore:
 * non-empty, `/`-separated segments of [A-Za-z0-9._-], no segment `.` or `..`, at most 900 characters, a segment
 * at most 255, and `-tmp-` in none (drivers may name unfinished objects so).
 *
 * Every driver must guarantee:
 * - Read after write: a completed `put` is seen by every later `get`, `head` and `list`, a completed `delete` likewise.
 * - Atomicity: a reader sees the whole object or none of it; a failed or cancelled `put` leaves no object under the
 *   key.
 * - Durability: when `put` resolves, the object survives a crash of the machine that serves it.
 * - Errors are StoreError with a code by cause (`not-found`, `already-exists`, `permission-denied`, `unauthenticated`,
 *   `throttled`, `unavailable`, `timeout`, `no-space`, `io`), with `retryable` set truthfully.
 * - A fired signal rejects with CancelledError soon, and stops the work.
 */
export interface ObjectDriver {
  /**
   * A printable location without secrets, such as `file:///srv/repo`. Where `openStore` takes it, it must lead to the
   * same objects: another thread opens the store by it. A scheme of your own (`mine:`) says that only this object does.
   */
  readonly url: string;
  readonly capabilities: DriverCapabilities;

  put(key: string, body: ObjectBody, options: PutOptions): Promise<void>;
  /**
   * `not-found` when the key does not exist. A range past the end must yield the bytes there are. The pieces are the
   * caller's, unless it borrows them.
   */
  get(key: string, options: GetOptions): AsyncIterable<Uint8Array>;
  /** `not-found` when the key does not exist. */
  head(key: string, options: AbortableOptions): Promise<ObjectInfo>;
  /**
   * Every object whose key starts with `prefix` (a plain string prefix), in ascending byte order of the keys.
   * Must not omit an object that existed before the call began and was not deleted; an empty result is no error.
   */
  list(prefix: string, options: ListOptions): AsyncIterable<ObjectInfo>;
  /** Deleting a key that does not exist must succeed. */
  delete(key: string, options: AbortableOptions): Promise<void>;
  /**
   * Deletes any number of objects, in as few requests as the service has; keys that do not exist must succeed. After a
   * failure some of them may be gone.
   */
  deleteMany(keys: readonly string[], options: AbortableOptions): Promise<void>;
  createMultipart(key: string, options: PutOptions): Promise<MultipartUpload>;
  /** Removes the folders that this driver has made and in which nothing is; only where a store has folders. */
  removeEmptyFolders?(): Promise<void>;
  /** Frees sockets and handles. Must succeed when called twice. */
  close(): Promise<void>;
}
