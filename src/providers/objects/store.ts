import { StoreError, TranshipError, UsageError, throwIfAborted } from '../../base/errors.ts';
import type {
  AbortableOptions,
  ByteRange,
  DriverCapabilities,
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectDriver,
  ObjectInfo,
  PutOptions,
} from './driver.ts';
import { collect } from './object-body.ts';
import { checkKey, checkPrefix } from './object-key.ts';
import { withPrefix } from './prefix.ts';
import { putLarge } from './put-large.ts';
import type { PutLargeOptions } from './put-large.ts';
import type { StoreSettings } from './settings.ts';

/** As large a pack as there is. */
const MOST_TAKEN_BYTES = 128 * 2 ** 20;
const SHA256_HEX = /^[0-9a-f]{64}$/;

/**
 * An object store as its users see it: a driver whose arguments and answers are checked.
 * Every method rejects with UsageError for a bad argument, StoreError by cause, CancelledError when the signal fired.
 * `openStore` makes one; the constructor wraps a driver whose requests are then neither limited nor tried again.
 *
 * @example
 * for await (const { key, sizeBytes } of store.list('snapshots/')) console.log(key, sizeBytes);
 * const config = await store.get('config');
 */
export class ObjectStore {
  readonly #driver: ObjectDriver;
  /** What opens the same store again, together with `url`. */
  readonly settings: StoreSettings;

  constructor(driver: ObjectDriver, settings: StoreSettings = {}) {
    this.#driver = driver;
    this.settings = settings;
  }

  /** A printable location without secrets. */
  get url(): string {
    return this.#driver.url;
  }

  get capabilities(): DriverCapabilities {
    return this.#driver.capabilities;
  }

  /**
   * Stores the body under the key, whole or not at all; durable when it resolves. The body must not change until then.
   */
  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<void> {
    checkKey(key);
    checkPutOptions(options, key);
    throwIfAborted(options.signal);
    await this.#driver.put(key, body, options);
  }

  /**
   * Stores a body of any length, a part at a time, with a bounded number of parts in memory; published atomically.
   * A failure, also of the source, leaves nothing. Returns the object's size.
   */
  async putLarge(
    key: string,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: PutLargeOptions = {},
  ): Promise<{ readonly sizeBytes: number }> {
    checkKey(key);
    checkPutOptions(options, key);
    throwIfAborted(options.signal);
    return putLarge(this.#driver, key, source, options);
  }

  /**
   * The object's bytes, or exactly those of the range. `not-found` when the key does not exist, `corrupt` when the
   * object ends before the range does. The buffer is the caller's.
   */
  async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    const { range } = options;
    // What a damaged list of blobs claims may be any number.
    if (range === undefined || !(range.end - range.start <= MOST_TAKEN_BYTES)) {
      return collect(this.stream(key, options));
    }
    checkRange(range, key);
    const bytes = Buffer.allocUnsafeSlow(range.end - range.start);
    await this.read(key, range, bytes, options);
    return bytes;
  }

  /**
   * Reads a range into memory of its length, shared or not. `not-found` when the key does not exist, `corrupt` when the
   * object ends before the range does; what the memory holds then is undefined.
   */
  async read(key: string, range: ByteRange, into: Uint8Array, options: AbortableOptions = {}): Promise<void> {
    checkKey(key);
    checkRange(range, key);
    if (into.byteLength !== range.end - range.start) {
      throw new UsageError(`the memory has ${into.byteLength} bytes, the range another number`, {
        where: key,
      });
    }
    const { signal } = options;
    let received = 0;
    for await (const piece of this.stream(key, { range, into, borrows: true, signal })) {
      const isThere = piece.buffer === into.buffer && piece.byteOffset === into.byteOffset + received;
      if (!isThere) into.set(piece, received);
      received += piece.byteLength;
    }
  }

  /** As `get`, in pieces; that the range came whole is known only when the stream has ended. */
  async *stream(key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    checkKey(key);
    const { range } = options;
    if (range !== undefined) checkRange(range, key);
    throwIfAborted(options.signal);
    if (range === undefined) {
      yield* this.#driver.get(key, options);
      return;
    }
    // Services have no empty range; a missing object must still be noticed.
    if (range.start === range.end) await this.#driver.head(key, options);
    else yield* wholeRange(this.#driver.get(key, options), key, range);
  }

  /** `not-found` when the key does not exist. */
  async head(key: string, options: AbortableOptions = {}): Promise<ObjectInfo> {
    checkKey(key);
    throwIfAborted(options.signal);
    return this.#driver.head(key, options);
  }

  /** Whether the key exists. */
  async exists(key: string, options: AbortableOptions = {}): Promise<boolean> {
    try {
      await this.head(key, options);
      return true;
    } catch (error) {
      if (error instanceof TranshipError && error.code === 'not-found') return false;
      throw error;
    }
  }

  /** Every object whose key starts with the prefix, a plain string (default: all), in ascending byte order of keys. */
  async *list(prefix = '', options: ListOptions = {}): AsyncGenerator<ObjectInfo, void, undefined> {
    checkPrefix(prefix);
    if (options.after !== undefined) checkKey(options.after);
    throwIfAborted(options.signal);
    yield* this.#driver.list(prefix, options);
  }

  /** Succeeds also when the key does not exist. */
  async delete(key: string, options: AbortableOptions = {}): Promise<void> {
    checkKey(key);
    throwIfAborted(options.signal);
    await this.#driver.delete(key, options);
  }

  /** Deletes all of them, in batches where the service has any; what does not exist succeeds. */
  async deleteMany(keys: readonly string[], options: AbortableOptions = {}): Promise<void> {
    for (const key of keys) checkKey(key);
    throwIfAborted(options.signal);
    if (keys.length > 0) await this.#driver.deleteMany(keys, options);
  }

  /** A view of the part below `prefix/`. It shares this store's driver: closing either closes both. */
  withPrefix(prefix: string): ObjectStore {
    return new ObjectStore(withPrefix(this.#driver, prefix), this.settings);
  }

  /** Frees sockets and handles; may be called twice. */
  async close(): Promise<void> {
    await this.#driver.close();
  }
}

async function* wholeRange(
  pieces: AsyncIterable<Uint8Array>,
  key: string,
  range: ByteRange,
): AsyncGenerator<Uint8Array, void, undefined> {
  const wanted = range.end - range.start;
  let received = 0;
  for await (const piece of pieces) {
    received += piece.byteLength;
    if (received > wanted) break;
    yield piece;
  }
  if (received === wanted) return;
  const fault =
    received < wanted ? 'is shorter than the range asked for' : 'came with more bytes than asked for';
  throw new StoreError('corrupt', `the object ${fault} (bytes ${range.start} to ${range.end})`, {
    where: key,
  });
}

function checkRange(range: ByteRange, key: string): void {
  const { start, end } = range;
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start) return;
  throw new UsageError(`not a byte range: ${start} to ${end}`, { where: key });
}

function checkPutOptions(options: PutOptions, key: string): void {
  if (options.sha256 === undefined || SHA256_HEX.test(options.sha256)) return;
  throw new UsageError('sha256 must be 64 lower-case hex digits', { where: key });
}
