import type { ObjectDriver } from '../../providers/objects/driver.ts';
import { intercept } from '../../providers/objects/intercept.ts';
import type { Interceptor, OperationKind } from '../../providers/objects/intercept.ts';

/** A check that was cancelled must not hold its caller for long. */
const CLEAN_UP_MS = 10_000;

const ADDS: ReadonlySet<OperationKind> = new Set(['put', 'put-part', 'complete-multipart']);
const REMOVES: ReadonlySet<OperationKind> = new Set(['delete', 'abort-multipart']);

/** What a check of a store may have put there and has not removed yet. */
export class OwnObjects {
  readonly #keys = new Set<string>();
  /** Of uploads that could not be taken back; deleting an object does not end them. */
  readonly #uploads = new Set<string>();

  get keys(): readonly string[] {
    return [...new Set([...this.#keys, ...this.#uploads])];
  }

  /** The driver; what is put through it is noted before it is sent, and struck out when it is deleted. */
  noting(driver: ObjectDriver): ObjectDriver {
    const noting: Interceptor = {
      run: async ({ kind, key }, work) => {
        if (ADDS.has(kind)) this.#keys.add(key);
        if (kind === 'abort-multipart') this.#uploads.add(key);
        const result = await work();
        if (REMOVES.has(kind)) this.#keys.delete(key);
        if (kind === 'abort-multipart') this.#uploads.delete(key);
        return result;
      },
      stream: (_operation, open) => open(),
    };
    return intercept(driver, noting);
  }

  /** Deletes all of them at once, by a driver that notes; what stays is in `keys`. */
  async remove(driver: ObjectDriver): Promise<void> {
    const signal = AbortSignal.timeout(CLEAN_UP_MS);
    await Promise.all([...this.#keys].map((key) => driver.delete(key, { signal }).catch(() => undefined)));
  }
}
