import type { Clock } from '../../../base/clock.ts';
import { StoreError, UsageError, throwIfAborted } from '../../../base/errors.ts';
import { systemClock } from '../../../base/system-clock.ts';
import type {
  AbortableOptions,
  GetOptions,
  MultipartUpload,
  ObjectBody,
  ObjectDriver,
  ObjectInfo,
  PutOptions,
} from '../driver.ts';
import { copyBody } from '../object-body.ts';
import { compareKeys } from '../object-key.ts';

const PIECE_BYTES = 64 * 1024;

export interface MemoryDriverOptions {
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** What the store holds at first; copied. */
  readonly objects?: Iterable<readonly [key: string, bytes: Uint8Array]> | undefined;
}

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

/** Objects in this process's memory, for tests and embedding; gone with the process. */
export class MemoryDriver implements ObjectDriver {
  readonly url = 'memory:';
  readonly capabilities = {
    connections: 16,
    atomicCreate: true,
    confirmsPuts: true,
    comparesSha256: false,
    partsLeaveNothing: true,
  };
  readonly #objects = new Map<string, StoredObject>();
  readonly #clock: Clock;

  constructor(options: MemoryDriverOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    for (const [key, bytes] of options.objects ?? []) this.#store(key, Buffer.from(bytes));
  }

  /** The objects as they are now, in ascending order of keys; the bytes must not be changed. */
  contents(): ReadonlyMap<string, Uint8Array> {
    const entries = [...this.#objects].sort(([a], [b]) => compareKeys(a, b));
    return new Map(entries.map(([key, stored]) => [key, stored.bytes]));
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<void> {
    throwIfAborted(options.signal);
    const bytes = copyBody(body);
    // A store that answers at once would hide what callers get wrong about order.
    await Promise.resolve();
    throwIfAborted(options.signal);
    this.#publish(key, bytes, options);
  }

  async *get(key: string, options: GetOptions): AsyncGenerator<Uint8Array, void, undefined> {
    throwIfAborted(options.signal);
    const { bytes } = this.#find(key);
    const end = Math.min(options.range?.end ?? bytes.byteLength, bytes.byteLength);
    for (let start = options.range?.start ?? 0; start < end; start += PIECE_BYTES) {
      throwIfAborted(options.signal);
      yield Buffer.from(bytes.subarray(start, Math.min(start + PIECE_BYTES, end)));
    }
  }

  async head(key: string, options: AbortableOptions): Promise<ObjectInfo> {
    throwIfAborted(options.signal);
    return infoOf(key, this.#find(key));
  }

  async *list(prefix: string, options: AbortableOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    throwIfAborted(options.signal);
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys);
    for (const key of keys) {
      throwIfAborted(options.signal);
      const stored = this.#objects.get(key);
      if (stored !== undefined) yield infoOf(key, stored);
    }
  }

  async delete(key: string, options: AbortableOptions): Promise<void> {
    throwIfAborted(options.signal);
    this.#objects.delete(key);
  }

  async deleteMany(keys: readonly string[], options: AbortableOptions): Promise<void> {
    for (const key of keys) await this.delete(key, options);
  }

  async createMultipart(key: string, options: PutOptions): Promise<MultipartUpload> {
    throwIfAborted(options.signal);
    const parts = new Map<number, Uint8Array>();
    let open = true;
    const checkOpen = (): void => {
      if (!open) throw new StoreError('not-found', 'the multipart upload has ended', { where: key });
    };
    return {
      putPart: async (partNumber, body, partOptions = {}) => {
        throwIfAborted(partOptions.signal);
        checkOpen();
        parts.set(partNumber, Buffer.from(body));
      },
      complete: async (completeOptions = {}) => {
        throwIfAborted(completeOptions.signal);
        checkOpen();
        if (parts.size === 0) throw new UsageError('a multipart upload needs a part', { where: key });
        const inOrder = [...parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
        this.#publish(key, Buffer.concat(inOrder), options);
        open = false;
        parts.clear();
      },
      abort: async () => {
        open = false;
        parts.clear();
      },
    };
  }

  async close(): Promise<void> {}

  #publish(key: string, bytes: Uint8Array, options: PutOptions): void {
    if (options.mode === 'create' && this.#objects.has(key)) {
      throw new StoreError('already-exists', 'the object exists already', { where: key });
    }
    this.#store(key, bytes);
  }

  #store(key: string, bytes: Uint8Array): void {
    this.#objects.set(key, { bytes, modifiedMs: this.#clock.nowMs() });
  }

  #find(key: string): StoredObject {
    const stored = this.#objects.get(key);
    if (stored === undefined) throw new StoreError('not-found', 'no such object', { where: key });
    return stored;
  }
}

function infoOf(key: string, stored: StoredObject): ObjectInfo {
  return { key, sizeBytes: stored.bytes.byteLength, modifiedMs: stored.modifiedMs };
}
