import { UsageError, throwIfAborted } from '../../base/errors.ts';
import { untilAborted } from '../../base/until-aborted.ts';
import type { MultipartUpload, ObjectDriver, PutOptions } from './driver.ts';

/** What every service takes. */
const MAX_PARTS = 10_000;
const DEFAULT_PART_BYTES = 16 * 1024 * 1024;

/** How a body of unknown length is put. */
export interface PutLargeOptions extends PutOptions {
  /** Default 16 MiB, which allows objects up to 156 GiB; a service may refuse less than 5 MiB. */
  readonly partSizeBytes?: number | undefined;
  /** Parts on their way at once. Default 4; memory is this number + 1 times the part size. */
  readonly concurrency?: number | undefined;
}

type Source = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Puts a body of unknown length: in one request when it fits one part, else as parallel parts. See
 * ObjectStore.putLarge.
 */
export async function putLarge(
  driver: ObjectDriver,
  key: string,
  source: Source,
  options: PutLargeOptions,
): Promise<{ readonly sizeBytes: number }> {
  const { partSizeBytes = DEFAULT_PART_BYTES, concurrency = 4, ...putOptions } = options;
  checkAtLeastOne('partSizeBytes', partSizeBytes);
  checkAtLeastOne('concurrency', concurrency);
  const parts = cutIntoParts(source, partSizeBytes, options.signal);
  try {
    const first = await nextPart(parts);
    if (first === undefined || first.byteLength < partSizeBytes) {
      const body = first ?? Buffer.alloc(0);
      await driver.put(key, body, putOptions);
      return { sizeBytes: body.byteLength };
    }
    return await putParts(driver, key, first, parts, putOptions, concurrency);
  } finally {
    await parts.return();
  }
}

async function putParts(
  driver: ObjectDriver,
  key: string,
  first: Buffer,
  rest: AsyncGenerator<Buffer, void, undefined>,
  options: PutOptions,
  concurrency: number,
): Promise<{ readonly sizeBytes: number }> {
  const upload = await driver.createMultipart(key, options);
  const sender = new PartSender(upload, key, concurrency, options.signal);
  try {
    for (let part: Buffer | undefined = first; part !== undefined; part = await nextPart(rest)) {
      await sender.send(part);
    }
    await sender.drain();
    throwIfAborted(options.signal);
    await upload.complete(options.signal === undefined ? {} : { signal: options.signal });
  } catch (error) {
    await sender.stop();
    // The first failure is the one to report; parts that stay behind are for the store's own cleaning.
    await upload.abort().catch(() => {});
    throw error;
  }
  return { sizeBytes: sender.sentBytes };
}

/** Sends numbered parts, a bounded number at once; after the first failure every call rejects with it. */
class PartSender {
  sentBytes = 0;
  readonly #upload: MultipartUpload;
  readonly #key: string;
  readonly #concurrency: number;
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal;
  readonly #running = new Set<Promise<void>>();
  #partNumber = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(upload: MultipartUpload, key: string, concurrency: number, signal: AbortSignal | undefined) {
    this.#upload = upload;
    this.#key = key;
    this.#concurrency = concurrency;
    this.#signal =
      signal === undefined ? this.#stopping.signal : AbortSignal.any([signal, this.#stopping.signal]);
  }

  /** Resolves when the part is on its way and there is room for another. */
  async send(part: Buffer): Promise<void> {
    this.#throwFailure();
    this.#partNumber += 1;
    if (this.#partNumber > MAX_PARTS) {
      throw new UsageError(`the object needs more than ${MAX_PARTS} parts`, {
        where: this.#key,
        advice: 'choose a larger partSizeBytes',
      });
    }
    this.sentBytes += part.byteLength;
    const sending: Promise<void> = this.#upload
      .putPart(this.#partNumber, part, { signal: this.#signal })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(sending));
    this.#running.add(sending);
    if (this.#running.size >= this.#concurrency) await Promise.race(this.#running);
    this.#throwFailure();
  }

  async drain(): Promise<void> {
    await Promise.all(this.#running);
    this.#throwFailure();
  }

  /** Gives up the parts on their way and waits until none is. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

async function nextPart(parts: AsyncGenerator<Buffer, void, undefined>): Promise<Buffer | undefined> {
  const result = await parts.next();
  return result.done === true ? undefined : result.value;
}

/** Copies the source into buffers of exactly the part size, the last one shorter; the source may reuse its pieces. */
async function* cutIntoParts(
  source: Source,
  partSizeBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  let part = Buffer.allocUnsafeSlow(partSizeBytes);
  let filled = 0;
  for await (const piece of untilAborted(source, signal)) {
    for (let offset = 0; offset < piece.byteLength;) {
      const taken = piece.subarray(offset, offset + partSizeBytes - filled);
      part.set(taken, filled);
      filled += taken.byteLength;
      offset += taken.byteLength;
      if (filled < partSizeBytes) continue;
      yield part;
      part = Buffer.allocUnsafeSlow(partSizeBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}

function checkAtLeastOne(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new UsageError(`${name} must be a whole number of at least 1`);
}
