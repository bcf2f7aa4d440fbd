import { StoreError } from '../../base/errors.ts';

/** How something that holds credentials is made, and what becomes of it when it is no longer used. */
export interface RenewableOptions<T> {
  /** The store's printable location, for messages. */
  readonly where: string;
  readonly create: () => Promise<T>;
  readonly destroy?: (made: T) => void;
}

/** A client or an identity of one driver: made when it is first needed, and anew when its credentials have expired. */
export class Renewable<T extends object> {
  readonly #options: RenewableOptions<T>;
  /** Replaced, with requests that may still be under way. */
  readonly #retired: T[] = [];
  #current: Promise<T> | undefined;
  /** Those that a server has accepted. */
  readonly #accepted = new WeakSet<T>();
  #isClosed = false;

  constructor(options: RenewableOptions<T>) {
    this.#options = options;
  }

  async get(): Promise<T> {
    const { where, create } = this.#options;
    if (this.#isClosed) throw new StoreError('invalid-argument', 'the store was closed', { where });
    this.#current ??= create().catch((error: unknown) => {
      this.#current = undefined;
      throw error;
    });
    return this.#current;
  }

  /** The server accepted its credentials. */
  worked(made: T): void {
    this.#accepted.add(made);
  }

  /**
   * True when the next request may succeed with a new one: the credentials of this one were good before, or another
   * request has had it replaced already.
   */
  renew(made: T): boolean {
    if (this.isReplaced(made)) return true;
    if (!this.#accepted.has(made)) return false;
    this.replace(made);
    return true;
  }

  /** The next one is made anew, whatever this one was good for. */
  replace(made: T): void {
    if (this.isReplaced(made)) return;
    this.#retired.push(made);
    this.#current = undefined;
  }

  isReplaced(made: T): boolean {
    return this.#retired.includes(made);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const current = await this.#current?.catch(() => undefined);
    const all = current === undefined ? this.#retired : [...this.#retired, current];
    for (const made of all) this.#options.destroy?.(made);
  }
}
