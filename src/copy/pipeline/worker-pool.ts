import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { unpackError } from '../../base/error-transport.ts';
import { CancelledError, FileSystemError, abortError, asError, throwIfAborted } from '../../base/errors.ts';
import { close } from '../../base/file-system.ts';
import type { FilledPack, FromWorker, JobKind, Jobs, ToWorker, WorkerSetup } from './protocol.ts';
import { takeThread } from './worker-thread.ts';

/** Jobs a worker holds: one at work and one waiting, so that it never idles while an answer travels. */
const jobsPerWorker = 2;

export interface WorkerPoolOptions {
  readonly setup: WorkerSetup;
  /** Default: one a processor. */
  readonly workers?: number | undefined;
  /** Called with every pack a worker has filled; the buffer goes back to the worker when the promise resolves. */
  readonly onPack: (pack: FilledPack) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

interface PendingJob {
  readonly job: JobKind;
  readonly request: unknown;
  readonly transfer: readonly ArrayBuffer[];
  readonly settle: (error: Error | undefined, response: unknown) => void;
}

interface Member {
  readonly worker: Worker;
  readonly running: Map<number, PendingJob>;
  readonly ended: Promise<void>;
  isReady: boolean;
}

/**
 * A worker ends by itself within this time, also from its first job on a busy machine; one that a read holds up is
 * ended from outside, and a file that it had open stays open then.
 */
const closingMs = 3000;

function closedError(): CancelledError {
  return new CancelledError('the pool was closed');
}

/** Lets the worker free the memory that it has outside of JavaScript, when it is quick to answer. */
async function endWorker({ worker, ended }: Member): Promise<void> {
  worker.postMessage({ kind: 'close' });
  const timer = new AbortController();
  await Promise.race([ended, setTimeout(closingMs, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
  await worker.terminate();
}

/**
 * Threads that do the heavy work of a pass. The first failure of a worker, of an upload, or the signal fails every job,
 * waiting and future: a pass that lost a blob must not go on. A FileSystemError fails only the job that met it.
 */
export class WorkerPool {
  /**
   * Threads at most; each is started when there is work for it. Starting one takes 100 to 250 ms of processor time (in
   * profiles: Node's own bootstrap, loading koffi and our modules), which many a pass can spare.
   */
  readonly workers: number;
  readonly #setup: WorkerSetup;
  readonly #members: Member[] = [];
  readonly #queue: PendingJob[] = [];
  readonly #onPack: (pack: FilledPack) => Promise<void>;
  readonly #uploads = new Set<Promise<void>>();
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    if (this.#signal !== undefined) this.#fail(abortError(this.#signal));
  };
  #nextJobId = 1;
  readonly #failed = new AbortController();
  #failure: Error | undefined;
  #closed = false;
  /** True when no thread runs any more. */
  #ended = false;
  readonly #heldDescriptors: number[] = [];

  constructor(options: WorkerPoolOptions) {
    throwIfAborted(options.signal);
    this.#onPack = options.onPack;
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this.#onAbort);
    this.#setup = options.setup;
    this.workers = options.workers ?? availableParallelism();
  }

  /** The failure that ended the pool, if one did. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Fires with that failure: ends waits for something that no job does. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /**
   * Queues a job for the next free worker. The queue is as long as callers make it: they must bound what they submit.
   */
  run<K extends JobKind>(
    job: K,
    request: Jobs[K]['request'],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Jobs[K]['response']> {
    return this.#submit(job, request, transfer, (pending) => {
      this.#queue.push(pending);
      this.#dispatch();
    });
  }

  /** Starts threads, all by default, for a caller that knows of work for them: they come up while it is found. */
  startThreads(count = this.workers): void {
    const wanted = Math.min(count, this.workers);
    while (this.#members.length < wanted && !this.#closed) this.#members.push(this.#start(this.#setup));
  }

  /** True when a thread has come up: what it is given is not done sooner than that. */
  get isReady(): boolean {
    return this.#members.some((member) => member.isReady);
  }

  /** Runs the same job once on every worker that has been started. */
  async runOnEach<K extends JobKind>(job: K, request: Jobs[K]['request']): Promise<Jobs[K]['response'][]> {
    const answers = this.#members.map((member) =>
      this.#submit(job, request, [], (pending) => this.#post(member, pending)),
    );
    return Promise.all(answers);
  }

  /** Resolves when every pack that workers have handed over is dealt with. */
  async uploadsDone(): Promise<void> {
    while (this.#uploads.size > 0) await Promise.all(this.#uploads);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the threads, whatever they do, and waits for uploads that are under way. Must succeed when called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    await Promise.all(this.#members.map(endWorker));
    this.#ended = true;
    this.#settleAll(this.#failure ?? closedError());
    for (const fd of this.#heldDescriptors.splice(0)) close(fd);
    await Promise.allSettled(this.#uploads);
  }

  /**
   * Closes a descriptor that jobs were given, whose answers have all come. After a failure answers come before the
   * threads are done, so that it stays open until they have ended: its number may not become another file's before.
   */
  closeDescriptor(fd: number): void {
    if (this.#failure === undefined || this.#ended) close(fd);
    else this.#heldDescriptors.push(fd);
  }

  #submit<K extends JobKind>(
    job: K,
    request: Jobs[K]['request'],
    transfer: readonly ArrayBuffer[],
    accept: (pending: PendingJob) => void,
  ): Promise<Jobs[K]['response']> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined || this.#closed) {
        reject(this.#failure ?? closedError());
        return;
      }
      const settle = (error: Error | undefined, response: unknown): void => {
        // A thread's answers have no types of their own; the type of Handlers in worker.ts makes each one right.
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion
        if (error === undefined) resolve(response as Jobs[K]['response']);
        else reject(error);
      };
      accept({ job, request, transfer, settle });
    });
  }

  #start(setup: WorkerSetup): Member {
    const worker = takeThread();
    const first: ToWorker = { kind: 'setup', setup };
    worker.postMessage(first);
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const member: Member = { worker, running: new Map(), ended, isReady: false };
    worker.on('message', (message: FromWorker) => this.#receive(member, message));
    worker.on('error', (error) => this.#fail(asError(error)));
    worker.on('exit', (code) => {
      if (!this.#closed) this.#fail(new Error(`a worker thread ended early (exit code ${code})`));
    });
    return member;
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const member = this.#freeMember();
      if (member === undefined) return;
      const pending = this.#queue.shift();
      if (pending !== undefined) this.#post(member, pending);
    }
  }

  /** The one with the least to do; a new one only where all others have work at hand and a job waiting. */
  #freeMember(): Member | undefined {
    for (let running = 0; running < jobsPerWorker; running++) {
      const member = this.#members.find((candidate) => candidate.running.size === running);
      if (member !== undefined) return member;
    }
    if (this.#members.length >= this.workers || this.#closed) return undefined;
    const member = this.#start(this.#setup);
    this.#members.push(member);
    return member;
  }

  #post(member: Member, pending: PendingJob): void {
    const jobId = this.#nextJobId++;
    member.running.set(jobId, pending);
    const message = { kind: 'job', jobId, job: pending.job, request: pending.request };
    member.worker.postMessage(message, [...pending.transfer]);
  }

  #receive(member: Member, message: FromWorker): void {
    if (message.kind === 'ready') {
      member.isReady = true;
      return;
    }
    if (message.kind === 'pack') {
      // What has been handed over before a failure is still uploaded and indexed. To begin with more would let the
      // caller wait, through all the retries of a store that is down, for what the next pass can store as well.
      if (this.#failure === undefined) this.#upload(member, message);
      return;
    }
    const pending = member.running.get(message.jobId);
    member.running.delete(message.jobId);
    if (message.kind === 'failed') {
      const error = unpackError(message.error);
      pending?.settle(error, undefined);
      // What a file refuses concerns that file: whoever asked decides. Nothing that was claimed is lost by it.
      if (error instanceof FileSystemError) this.#dispatch();
      else this.#fail(error);
      return;
    }
    pending?.settle(undefined, message.response);
    this.#dispatch();
  }

  #upload(member: Member, pack: FilledPack): void {
    const upload = this.#onPack(pack).then(
      () => {
        if (!this.#closed) member.worker.postMessage({ kind: 'buffer', buffer: pack.buffer });
      },
      (error: unknown) => this.#fail(asError(error)),
    );
    this.#uploads.add(upload);
    void upload.finally(() => this.#uploads.delete(upload));
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined || this.#closed) return;
    this.#failure = error;
    this.#settleAll(error);
    this.#failed.abort(error);
  }

  #settleAll(error: Error): void {
    for (const pending of this.#queue.splice(0)) pending.settle(error, undefined);
    for (const member of this.#members) {
      for (const pending of member.running.values()) pending.settle(error, undefined);
      member.running.clear();
    }
  }
}
