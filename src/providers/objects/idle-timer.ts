/**
 * Calls back once when nothing has moved for the given time: nothing was reported, and the counter of bytes that it may
 * be given stands still. What only the counter saw is noticed when the time is over, so it may take twice as long. It
 * does not keep the process alive.
 */
export class IdleTimer {
  readonly #timer: NodeJS.Timeout;
  #counter: (() => number) | undefined;
  #counted = 0;

  constructor(limitMs: number, onIdle: () => void) {
    this.#timer = setTimeout(() => {
      if (this.#hasMoved()) this.#timer.refresh();
      else onIdle();
    }, limitMs).unref();
  }

  /** Something moved: the time begins anew. */
  touch(): void {
    this.#timer.refresh();
  }

  /** Bytes that nobody reports are counted here. */
  watch(counter: () => number): void {
    this.#counter = counter;
    this.#counted = counter();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #hasMoved(): boolean {
    const before = this.#counted;
    this.#counted = this.#counter?.() ?? before;
    return this.#counted !== before;
  }
}
