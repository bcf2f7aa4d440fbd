import type { Clock } from '../../base/clock.ts';
import { CancelledError } from '../../base/errors.ts';
import { systemClock } from '../../base/system-clock.ts';
import type { ObjectDriver } from './driver.ts';
import { intercept } from './intercept.ts';
import type { Operation, OperationKind, Streamed } from './intercept.ts';

/** One request that has ended. */
export interface OperationEvent {
  readonly kind: OperationKind;
  /** The object's key; of a `list` the prefix. */
  readonly key: string;
  /** Bytes of the body that was to be sent, or that a `get` yielded. */
  readonly bytes: number;
  /** From the first byte asked to the end; for a stream including the time its reader took. */
  readonly durationMs: number;
  /** A stream that its reader left early is `done`. */
  readonly outcome: 'done' | 'failed' | 'cancelled';
  /** What was thrown; only with `failed` and `cancelled`. */
  readonly error?: unknown;
}

/** Called once for each request, when it has ended; must not throw. */
export type OperationObserver = (event: OperationEvent) => void;

export interface ObserveOptions {
  readonly observer: OperationObserver;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

/** A driver that reports every request. Put it below `retry` to see each attempt, above to see each operation once. */
export function withObserver(driver: ObjectDriver, options: ObserveOptions): ObjectDriver {
  const clock = options.clock ?? systemClock;
  const begin = (operation: Operation): ((bytes: number, failure?: { readonly error: unknown }) => void) => {
    const startedMs = clock.monotonicMs();
    return (bytes, failure) => {
      const { kind, key } = operation;
      const event = { kind, key, bytes, durationMs: clock.monotonicMs() - startedMs };
      if (failure === undefined) options.observer({ ...event, outcome: 'done' });
      else options.observer({ ...event, ...failure, outcome: outcomeOf(failure.error) });
    };
  };
  return intercept(driver, {
    run: async (operation, work) => {
      const end = begin(operation);
      try {
        const result = await work();
        end(operation.sizeBytes);
        return result;
      } catch (error) {
        end(operation.sizeBytes, { error });
        throw error;
      }
    },
    stream: (operation, open) => observeStream(open, () => begin(operation)),
  });
}

async function* observeStream<T extends Streamed>(
  open: () => AsyncIterable<T>,
  begin: () => (bytes: number, failure?: { readonly error: unknown }) => void,
): AsyncGenerator<T, void, undefined> {
  const end = begin();
  let bytes = 0;
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const piece of open()) {
      if (piece instanceof Uint8Array) bytes += piece.byteLength;
      yield piece;
    }
  } catch (error) {
    failure = { error };
    throw error;
  } finally {
    end(bytes, failure);
  }
}

function outcomeOf(error: unknown): 'failed' | 'cancelled' {
  return error instanceof CancelledError ? 'cancelled' : 'failed';
}
