import { setImmediate } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import pc from 'picocolors';
import { describeError, throwIfAborted } from '../base/errors.ts';
import { systemClock } from '../base/system-clock.ts';
import { TimeSlice } from '../base/time-slice.ts';
import { ProgressLine } from './progress-line.ts';
import type { StandardOutput } from './standard-output.ts';

export interface OutputOptions {
  readonly stdout: StandardOutput;
  readonly stderr: NodeJS.WriteStream;
  /** JSON objects, one a line, instead of text. */
  readonly json: boolean;
  /** Results and problems only. */
  readonly quiet: boolean;
  /** How often `-v` was given. */
  readonly verbosity: number;
  /** Where the stream is a terminal. */
  readonly colour: boolean;
  /** Nobody reads stdout any more. */
  readonly onClosed: () => void;
}

type Colours = ReturnType<typeof pc.createColors>;

/**
 * Everything that the command line prints: results on stdout, problems and the progress line on stderr. A command asks
 * for both forms, text and JSON; only the one that was chosen is printed.
 */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbosity: number;
  readonly colours: Colours;
  readonly #stdout: StandardOutput;
  readonly #stderr: NodeJS.WriteStream;
  readonly #stderrColours: Colours;
  readonly #progress: ProgressLine | undefined;
  readonly #slice = new TimeSlice(() => systemClock.monotonicMs(), undefined);
  #isClosed = false;
  #failure: Error | undefined;

  constructor(options: OutputOptions) {
    const { stdout, stderr } = options;
    this.json = options.json;
    this.quiet = options.quiet;
    this.verbosity = options.verbosity;
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.colours = pc.createColors(options.colour && stdout.isTTY === true);
    this.#stderrColours = pc.createColors(options.colour && stderr.isTTY);
    const showsProgress = isTerminal(stderr) && !options.json && !options.quiet;
    this.#progress = showsProgress ? new ProgressLine(stderr) : undefined;
    stdout.on('error', (error: Error) => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      if (!('code' in error && error.code === 'EPIPE')) this.#failure = error;
      options.onClosed();
    });
    // Problems that nobody reads are no reason to stop.
    stderr.on('error', () => {});
  }

  /** Why stdout could not be written, unless its reader has simply gone. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Whether stdout is a terminal, which is no place for an archive. */
  get isTerminal(): boolean {
    return this.#stdout.isTTY === true;
  }

  /** Whether a status is wanted at all: on a terminal, or as JSON. */
  get showsStatus(): boolean {
    return this.#progress !== undefined || (this.json && !this.quiet);
  }

  /** A result, as text. */
  print(line: string): void {
    if (!this.json) this.raw(line);
  }

  /** What happened, as text; not with `--quiet`. */
  info(line: string): void {
    if (!this.json && !this.quiet) this.raw(line);
  }

  /** A result or a status as one line of JSON. */
  message(value: object): void {
    if (this.json) this.raw(JSON.stringify(value));
  }

  /** A line on stdout in whatever form the caller has made. */
  raw(line: string): void {
    this.piece(`${line}\n`);
  }

  /** Text on stdout as it is, without a line's end: a part of a long line. */
  piece(text: string): void {
    if (this.#isClosed) return;
    this.#progress?.clear();
    this.#stdout.write(text);
  }

  /** Something that does not end the work. */
  warn(message: string): void {
    if (this.json) this.#problem(JSON.stringify({ message_type: 'warning', message }));
    else this.#problem(`${this.#stderrColours.yellow('warning:')} ${message}`);
  }

  /** Something that failed while the work goes on; `value` is what `--json` shows of it. */
  itemError(message: string, value: object): void {
    if (this.json) this.#problem(JSON.stringify(value));
    else this.#problem(`${this.#stderrColours.red('error:')} ${message}`);
  }

  /** What ended the work. */
  fail(error: unknown, code: number, showStack: boolean): void {
    const message = describeError(error);
    if (this.json) this.#problem(JSON.stringify({ message_type: 'exit_error', code, message }));
    else this.#problem(`${this.#stderrColours.red('tranship:')} ${message}`);
    if (showStack && error instanceof Error) this.#problem(stacksOf(error));
  }

  debug(message: string): void {
    if (!this.json && this.verbosity >= 2) this.#problem(this.#stderrColours.dim(message));
  }

  /** Replaces the progress line; nothing where there is no terminal. */
  showProgress(text: string): void {
    this.#progress?.show(text);
  }

  clearProgress(): void {
    this.#progress?.clear();
  }

  /** Bytes on stdout as they are, no faster than its reader takes them. */
  async writeAll(source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    for await (const bytes of source) {
      if (this.#isClosed) return;
      this.#progress?.clear();
      this.#stdout.write(bytes);
      await this.drained(signal);
      throwIfAborted(signal);
    }
  }

  /**
   * Resolves when the reader of stdout has caught up, or the signal has fired; to be awaited now and then by whoever
   * prints without end. A reader that always keeps up must not keep signals and timers from being heard.
   */
  async drained(signal?: AbortSignal): Promise<void> {
    if (this.#slice.isOver) await this.#slice.pause();
    if (this.#stdout.writableNeedDrain) await this.#written(signal);
  }

  /**
   * Resolves when all that was printed is written, or cannot be, which {@link failure} tells. Rejects with
   * CancelledError when the signal fires before; one that has fired already leaves nothing to wait for.
   */
  async finish(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await this.#written(signal);
    // A failed write calls back first, and is told as an event after that.
    await setImmediate();
    throwIfAborted(signal);
  }

  async #written(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isClosed || signal?.aborted === true) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const settle = (): void => resolve();
    signal?.addEventListener('abort', settle, { once: true });
    this.#stdout.write('', settle);
    await promise;
    signal?.removeEventListener('abort', settle);
  }

  #problem(line: string): void {
    this.#progress?.clear();
    this.#stderr.write(`${line}\n`);
  }
}

function isTerminal(stream: NodeJS.WriteStream): stream is NodeJS.WriteStream & WriteStream {
  return stream.isTTY;
}

function stacksOf(error: Error): string {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error ? `${stack}\ncaused by ${stacksOf(error.cause)}` : stack;
}
