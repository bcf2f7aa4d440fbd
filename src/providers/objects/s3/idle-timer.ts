/** Calls back once when nothing has been reported for the given time. It does not keep the process alive. */
export class IdleTimer {
  readonly #timer: NodeJS.Timeout;

  constructor(limitMs: number, onIdle: () => void) {
    this.#timer = setTimeout(onIdle, limitMs).unref();
  }

  /** Something moved: the time begins anew. */
  touch(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
