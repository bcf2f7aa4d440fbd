import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import { CancelledError, throwIfAborted } from '../../base/errors.ts';
import type { ObjectDriver } from './driver.ts';
import { intercept } from './intercept.ts';
import type { Operation, Streamed } from './intercept.ts';

export interface LimitOptions {
  /** Requests at work at once, at least 1. Default: what the driver's capabilities say. */
  readonly connections?: number | undefined;
}

/**
 * A driver that works on a bounded number of requests at once; the others wait in order, and leave the queue when
 * their signal fires. A stream holds a place only while its next piece is being fetched, so a caller that puts while
 * it reads cannot starve itself. Aborting an upload waits for no place: it is how places become free.
 */
export function withLimit(driver: ObjectDriver, options: LimitOptions = {}): ObjectDriver {
  const places = pLimit(options.connections ?? driver.capabilities.connections);
  return intercept(driver, {
    run: (operation, work) =>
      operation.kind === 'abort-multipart' ? work() : inPlace(places, operation.signal, work),
    stream: (operation, open) => limitStream(places, operation, open),
  });
}

async function* limitStream<T extends Streamed>(
  places: LimitFunction,
  operation: Operation,
  open: () => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const iterator = open()[Symbol.asyncIterator]();
  let finished = false;
  try {
    for (;;) {
      const result = await inPlace(places, operation.signal, () => iterator.next());
      if (result.done === true) {
        finished = true;
        return;
      }
      yield result.value;
    }
  } finally {
    if (!finished) await iterator.return?.();
  }
}

function inPlace<T>(
  places: LimitFunction,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return places(work);
  return new Promise<T>((resolve, reject) => {
    throwIfAborted(signal);
    // Once it runs, the work itself answers to the signal: rejecting here would free its place while it is still busy.
    const leave = (): void => reject(new CancelledError(signal.reason));
    signal.addEventListener('abort', leave, { once: true });
    const begin = (): Promise<T> => {
      signal.removeEventListener('abort', leave);
      throwIfAborted(signal);
      return work();
    };
    places(async () => begin()).then(resolve, reject);
  });
}
