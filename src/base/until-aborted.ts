import { Readable } from 'node:stream';
import { abortError } from './errors.ts';

/**
 * The pieces of a source. A wait for the next one ends when the signal fires, with {@link abortError}, even when the
 * source never answers. A source that is left before its end is ended: its iterator returns, a Readable is destroyed.
 */
export async function* untilAborted<Piece>(
  source: AsyncIterable<Piece> | Iterable<Piece>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Piece, void, undefined> {
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let state: 'waiting' | 'held' | 'done' = 'waiting';
  try {
    for (;;) {
      state = 'waiting';
      const result = await orAborted(Promise.resolve(iterator.next()), signal);
      state = result.done === true ? 'done' : 'held';
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    if (state !== 'done') {
      if (source instanceof Readable) source.destroy();
      const returned = Promise.resolve(iterator.return?.());
      // An iterator that is stuck in `next` keeps `return` waiting for ever.
      if (state === 'held') await returned;
      else returned.catch(() => {});
    }
  }
}

/** The result of work that may never end: rejects with {@link abortError} when the signal fires before. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const fire = (): void => reject(abortError(signal));
  signal.addEventListener('abort', fire, { once: true });
  try {
    if (signal.aborted) fire();
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', fire);
  }
}
