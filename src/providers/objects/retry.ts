import { TranshipError } from '../../base/errors.ts';
import type {
  GetOptions,
  ListOptions,
  MultipartUpload,
  ObjectBody,
  ObjectDriver,
  ObjectInfo,
  PutOptions,
} from './driver.ts';
import { bodyPieces, bodySizeBytes } from './object-body.ts';
import { intercept } from './intercept.ts';
import type { Interceptor, OperationKind } from './intercept.ts';
import { Attempts } from './attempts.ts';
import type { AttemptsOptions, RetryOptions } from './attempts.ts';

/** An abort is cleaning up: it must not keep a caller who wants to leave, so that one that hung is not tried again. */
const ABORT_BUDGET = { budgetMs: 10_000, countsFirstAttempt: true } as const;

/**
 * A driver that tries again what failed with a `retryable` error, waiting as {@link RetryOptions} says.
 * - A `get` that breaks off goes on at the first byte it has not yielded, a `list` after the last key. An object that
 *   is replaced between break and resumption comes out mixed: names whose bytes change must be read in one piece or
 *   checked.
 * - A `put` in mode `create` whose first attempt failed without telling whether it was stored, and which then meets
 *   `already-exists`, succeeds if the stored bytes are the ones to be put; likewise the completion of an upload, by
 *   its size.
 */
export function withRetry(driver: ObjectDriver, options: RetryOptions = {}): ObjectDriver {
  const retrying: Interceptor = {
    run: (operation, work) => runAgain(work, new Attempts(operation, options)),
    stream: (_operation, open) => open(),
  };
  return {
    ...intercept(driver, retrying),
    put: (key, body, putOptions) => putAgain(driver, key, body, putOptions, options),
    get: (key, getOptions) => resumeGet(driver, key, getOptions, options),
    list: (prefix, listOptions) => resumeList(driver, prefix, listOptions, options),
    createMultipart: async (key, putOptions) => {
      const upload = await runAgain(
        () => driver.createMultipart(key, putOptions),
        attempts('create-multipart', key, putOptions.signal, options),
      );
      return retryUpload(driver, key, upload, options);
    },
  };
}

function attempts(
  kind: OperationKind,
  key: string,
  signal: AbortSignal | undefined,
  options: AttemptsOptions,
): Attempts {
  return new Attempts({ kind, key, signal }, options);
}

/** `settle` may turn an error into success when an earlier attempt may have taken effect. */
async function runAgain<T>(
  work: () => Promise<T>,
  tries: Attempts,
  settle?: (error: unknown) => Promise<{ readonly value: T } | undefined>,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (tries.failures > 0 && settle !== undefined) {
        const settled = await settle(error);
        if (settled !== undefined) return settled.value;
      }
      await tries.waitAfter(error);
    }
  }
}

async function putAgain(
  driver: ObjectDriver,
  key: string,
  body: ObjectBody,
  putOptions: PutOptions,
  options: RetryOptions,
): Promise<void> {
  const { signal } = putOptions;
  await runAgain(
    () => driver.put(key, body, putOptions),
    attempts('put', key, signal, options),
    async (error) => {
      if (putOptions.mode !== 'create' || !hasCode(error, 'already-exists')) return undefined;
      const same = await runAgain(
        () => isStored(driver, key, body, signal),
        attempts('get', key, signal, options),
      );
      return same ? { value: undefined } : undefined;
    },
  );
}

/** True when the object under the key has exactly these bytes. */
async function isStored(
  driver: ObjectDriver,
  key: string,
  body: ObjectBody,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!(await hasSize(driver, key, bodySizeBytes(body), signal))) return false;
  const wanted = Buffer.concat(bodyPieces(body));
  let offset = 0;
  for await (const piece of driver.get(key, { signal })) {
    if (!wanted.subarray(offset, offset + piece.byteLength).equals(piece)) return false;
    offset += piece.byteLength;
  }
  return offset === wanted.byteLength;
}

async function* resumeGet(
  driver: ObjectDriver,
  key: string,
  getOptions: GetOptions,
  options: RetryOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const tries = attempts('get', key, getOptions.signal, options);
  const start = getOptions.range?.start ?? 0;
  const end = getOptions.range?.end ?? Number.MAX_SAFE_INTEGER;
  let offset = start;
  for (;;) {
    // What follows the last byte of an object is an empty range past its end, which drivers must answer.
    const into = getOptions.into?.subarray(offset - start);
    const rest = offset === start ? getOptions : { ...getOptions, range: { start: offset, end }, into };
    try {
      for await (const piece of driver.get(key, rest)) {
        offset += piece.byteLength;
        yield piece;
        if (piece.byteLength > 0) tries.progress();
      }
      return;
    } catch (error) {
      if (offset > start && offset >= end) return;
      await tries.waitAfter(error);
    }
  }
}

async function* resumeList(
  driver: ObjectDriver,
  prefix: string,
  { signal, after }: ListOptions,
  options: RetryOptions,
): AsyncGenerator<ObjectInfo, void, undefined> {
  const tries = attempts('list', prefix, signal, options);
  let last: string | undefined;
  for (;;) {
    try {
      for await (const info of driver.list(prefix, { signal, after: last ?? after })) {
        // The order of keys is guaranteed, so what stands before the last one was yielded or is new.
        if (last !== undefined && info.key <= last) continue;
        last = info.key;
        yield info;
        tries.progress();
      }
      return;
    } catch (error) {
      await tries.waitAfter(error);
    }
  }
}

function retryUpload(
  driver: ObjectDriver,
  key: string,
  upload: MultipartUpload,
  options: RetryOptions,
): MultipartUpload {
  const partSizes = new Map<number, number>();
  return {
    putPart: async (partNumber, body, { signal } = {}) => {
      const work = (): Promise<void> => upload.putPart(partNumber, body, { signal });
      await runAgain(work, attempts('put-part', key, signal, options));
      partSizes.set(partNumber, body.byteLength);
    },
    complete: async ({ signal } = {}) => {
      const work = (): Promise<void> => upload.complete({ signal });
      await runAgain(work, attempts('complete-multipart', key, signal, options), async (error) => {
        if (!hasCode(error, 'not-found') && !hasCode(error, 'already-exists')) return undefined;
        const expected = [...partSizes.values()].reduce((total, size) => total + size, 0);
        const same = await runAgain(
          () => hasSize(driver, key, expected, signal),
          attempts('head', key, signal, options),
        );
        return same ? { value: undefined } : undefined;
      });
    },
    abort: () =>
      runAgain(
        () => upload.abort(),
        attempts('abort-multipart', key, undefined, { ...options, ...ABORT_BUDGET }),
      ),
  };
}

async function hasSize(
  driver: ObjectDriver,
  key: string,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    return (await driver.head(key, { signal })).sizeBytes === sizeBytes;
  } catch (error) {
    if (hasCode(error, 'not-found')) return false;
    throw error;
  }
}

function hasCode(error: unknown, code: TranshipError['code']): boolean {
  return error instanceof TranshipError && error.code === code;
}
