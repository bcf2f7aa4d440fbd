import { Worker } from 'node:worker_threads';
import { unpackError } from '../base/error-transport.ts';
import { RepositoryError, describeError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { doubtAfterMs } from './lock-keeper.ts';
import type { LockKeeper } from './lock-keeper.ts';
import type { LockKeeperReport, LockKeeperRequest, LockKeeperWorkerData } from './lock-keeper-worker.ts';

/** A command that is over sooner needs no refresh, and is spared the start of a thread. */
const startAfterMs = 10_000;
/** What ends the waiting for an answer; the keeper in the thread gives itself 60 s to confirm a lock. */
const answers = {
  confirm: { kinds: ['confirmed', 'held', 'lost'], limitMs: 75_000 },
  pause: { kinds: ['paused'], limitMs: 10_000 },
} as const;

export interface LockKeeperThreadOptions {
  /** Refreshes the lock until the thread runs, and again when the thread fails. */
  readonly keeper: LockKeeper;
  readonly data: Omit<LockKeeperWorkerData, 'state'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default 10 s. */
  readonly startAfterMs?: number | undefined;
}

/**
 * Refreshes a lock from a thread of its own, since a pass may keep its own thread busy for longer than a lock lives.
 * The keeper that it is given always knows the newest state and is the one that releases.
 */
export class LockKeeperThread {
  readonly #options: LockKeeperThreadOptions;
  readonly #keeper: LockKeeper;
  readonly #ended = new AbortController();
  readonly #starting: Promise<void>;
  #worker: Worker | undefined;
  #asked: Promise<void> = Promise.resolve();
  #waiting: { readonly kinds: readonly LockKeeperReport['kind'][]; readonly wake: () => void } | undefined;

  constructor(options: LockKeeperThreadOptions) {
    this.#options = options;
    this.#keeper = options.keeper;
    this.#keeper.start();
    this.#starting = this.#startLater();
  }

  get id(): string {
    return this.#keeper.id;
  }

  /** True while the thread, not the caller's, refreshes the lock. */
  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  async confirm(): Promise<void> {
    if (this.#keeper.ageMs > doubtAfterMs) await this.#ask('confirm');
    await this.#keeper.confirm();
  }

  async release(): Promise<void> {
    this.#ended.abort();
    await this.#starting;
    await this.#ask('pause');
    await this.#keeper.release();
  }

  async #startLater(): Promise<void> {
    const { clock, data } = this.#options;
    try {
      await clock.sleep(this.#options.startAfterMs ?? startAfterMs, this.#ended.signal);
    } catch {
      return;
    }
    await this.#keeper.pause();
    if (this.#ended.signal.aborted || this.#keeper.isLost) return;
    try {
      this.#startWorker({ ...data, state: this.#keeper.state });
    } catch (error) {
      this.#options.logger.debug(`the lock keeper's thread did not start: ${describeError(error)}`);
      this.#keeper.start();
    }
  }

  #startWorker(workerData: LockKeeperWorkerData): void {
    const worker = new Worker(new URL('./lock-keeper-worker.ts', import.meta.url), {
      workerData,
      name: 'lock-keeper',
    });
    this.#worker = worker;
    worker.on('message', (report: LockKeeperReport) => this.#hear(report));
    worker.on('error', (error) =>
      this.#options.logger.debug(`the lock keeper's thread failed: ${describeError(error)}`),
    );
    worker.on('exit', () => this.#takeOver(worker));
    worker.unref();
  }

  #hear(report: LockKeeperReport): void {
    switch (report.kind) {
      case 'writing':
        this.#keeper.expect(report.id);
        break;
      case 'confirmed':
        this.#keeper.adopt(report.state);
        break;
      case 'lost':
        this.#keeper.lose(lostError(report));
        break;
      case 'held':
      case 'paused':
        break;
    }
    if (this.#waiting?.kinds.includes(report.kind) === true) this.#waiting.wake();
  }

  #takeOver(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    if (!this.#ended.signal.aborted) this.#keeper.start();
    this.#waiting?.wake();
  }

  /** Resolves with the thread's answer, or when the thread has ended; one that stays silent is ended. */
  async #ask(request: LockKeeperRequest): Promise<void> {
    // Questions are asked one after the other: the thread's answers do not say which question they answer.
    this.#asked = this.#asked.then(async () => {
      if (this.#worker !== undefined) await this.#exchange(this.#worker, request);
    });
    await this.#asked;
  }

  async #exchange(worker: Worker, request: LockKeeperRequest): Promise<void> {
    const { kinds, limitMs } = answers[request];
    const answered = new AbortController();
    const answer = new Promise<void>((wake) => (this.#waiting = { kinds, wake }));
    worker.postMessage(request);
    const silence = this.#options.clock.sleep(limitMs, answered.signal).then(
      () => worker.terminate(),
      () => undefined,
    );
    await answer;
    this.#waiting = undefined;
    answered.abort();
    await silence;
  }
}

function lostError(report: Extract<LockKeeperReport, { kind: 'lost' }>): RepositoryError {
  const error = unpackError(report.error);
  return error instanceof RepositoryError
    ? error
    : new RepositoryError('locked', 'the lock was lost', { cause: error });
}
