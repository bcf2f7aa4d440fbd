import { CancelledError } from '../../../src/base/errors.ts';

/** Never resolves; rejects with CancelledError when the signal fires. */
export function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fire = (): void => reject(new CancelledError(signal?.reason));
    if (signal?.aborted === true) fire();
    else signal?.addEventListener('abort', fire, { once: true });
  });
}
