import { constants } from 'node:os';

/**
 * How long a stopped process may go on after its work: the rest of its output goes to a reader that is slow, and not to
 * one that has stopped reading, and a program that it started has time to end.
 */
const lingerMs = 3000;

type Stop = 'SIGINT' | 'SIGTERM' | 'SIGPIPE';

/**
 * Turns signals into an abort. The first SIGINT or SIGTERM lets the work end in order (locks are released, temporary
 * files removed); the second one ends the process at once.
 */
export class Interrupt {
  readonly #controller = new AbortController();
  readonly #exit: (code: number) => void;
  readonly #onSignal = (name: NodeJS.Signals): void => {
    if (name === 'SIGINT' || name === 'SIGTERM') this.receive(name);
  };
  #stop: Stop | undefined;

  constructor(exit: (code: number) => void) {
    this.#exit = exit;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code once something stopped the work, else undefined. */
  get exitCode(): number | undefined {
    return this.#stop === undefined ? undefined : 128 + constants.signals[this.#stop];
  }

  get reason(): Stop | undefined {
    return this.#stop;
  }

  receive(name: 'SIGINT' | 'SIGTERM'): void {
    if (this.#stop === 'SIGINT' || this.#stop === 'SIGTERM') this.#exit(128 + constants.signals[name]);
    else this.stop(name);
  }

  /** Stops the work; SIGPIPE stands for an output that nobody reads any more. */
  stop(reason: Stop): void {
    this.#stop = reason;
    this.#controller.abort(new Error(`stopped by ${reason}`));
  }

  listen(): void {
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
  }

  /** To be called when the work has ended. The next signal, or {@link lingerMs} after a stop, ends the process. */
  close(): void {
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
    const code = this.exitCode;
    if (code !== undefined) setTimeout(() => this.#exit(code), lingerMs).unref();
  }
}
