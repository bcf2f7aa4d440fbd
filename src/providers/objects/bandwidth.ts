import type { Clock } from '../../base/clock.ts';
import type { GetOptions, MultipartUpload, ObjectDriver, Pace } from './driver.ts';
import { intercept } from './intercept.ts';
import { bodySizeBytes } from './object-body.ts';
import { currentBytesPerSecond } from './store-limits.ts';
import type { ByteRate } from './store-limits.ts';
import { TokenBucket } from './token-bucket.ts';

export interface BandwidthOptions {
  readonly uploadRate?: ByteRate | undefined;
  readonly downloadRate?: ByteRate | undefined;
  readonly clock: Clock;
}

/**
 * A driver that sends and receives bodies at most at these rates, all requests together. Where it holds back it is not
 * the server that is waited for: pieces of a `get` are held while the driver waits for its reader, and a body is sent
 * in slices, before each of which the driver waits with its idle limit stopped ({@link Pace}). A driver that does not
 * pace its bodies sends each at once; then what comes after it waits for as long.
 * To be put below `retry`, so that what is sent again counts again, and above `limit`, so that nobody holds a
 * connection while he waits for his turn to begin. A body that is being sent holds its own: bodies take turns, and a
 * slice of each waits for one of every other. Servers give up a connection on which nothing came for some 20 seconds,
 * so that 16 bodies with slices of 16 KiB need about 13 KiB a second; a lower rate only fails puts.
 */
export function withBandwidth(driver: ObjectDriver, options: BandwidthOptions): ObjectDriver {
  const upload = bucketOf(options.uploadRate, options.clock);
  const download = bucketOf(options.downloadRate, options.clock);
  const limited = intercept(driver, {
    run: (_operation, work) => work(),
    stream: (_operation, open) => open(),
  });
  return {
    ...limited,
    ...(download === undefined
      ? {}
      : { get: (key, getOptions) => paceGet(driver, download, key, getOptions) }),
    ...(upload === undefined ? {} : pacedPuts(driver, upload)),
  };
}

function bucketOf(rate: ByteRate | undefined, clock: Clock): TokenBucket | undefined {
  if (rate === undefined) return undefined;
  return new TokenBucket({ rate: () => currentBytesPerSecond(rate, clock), clock });
}

async function* paceGet(
  driver: ObjectDriver,
  bucket: TokenBucket,
  key: string,
  options: GetOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of driver.get(key, options)) {
    await bucket.take(piece.byteLength, options.signal);
    yield piece;
  }
}

function pacedPuts(driver: ObjectDriver, bucket: TokenBucket): Pick<ObjectDriver, 'put' | 'createMultipart'> {
  return {
    put: (key, body, options) =>
      paced(bucket, bodySizeBytes(body), options.signal, (pace) =>
        driver.put(key, body, { ...options, pace }),
      ),
    createMultipart: async (key, options) => pacedUpload(await driver.createMultipart(key, options), bucket),
  };
}

function pacedUpload(upload: MultipartUpload, bucket: TokenBucket): MultipartUpload {
  return {
    putPart: (partNumber, body, options = {}) =>
      paced(bucket, body.byteLength, options.signal, (pace) =>
        upload.putPart(partNumber, body, { ...options, pace }),
      ),
    complete: (options) => upload.complete(options),
    abort: () => upload.abort(),
  };
}

/** Waits until nothing is owed, sends, and owes what a driver has sent without waiting. */
async function paced(
  bucket: TokenBucket,
  sizeBytes: number,
  signal: AbortSignal | undefined,
  send: (pace: Pace) => Promise<void>,
): Promise<void> {
  let pacedBytes = 0;
  await bucket.take(0, signal);
  await send((bytes, pieceSignal) => {
    pacedBytes += bytes;
    return bucket.take(bytes, pieceSignal);
  });
  if (pacedBytes === 0) bucket.charge(sizeBytes);
}
