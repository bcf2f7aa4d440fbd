import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const keptOutputChars = 4000;
const pollIntervalMs = 50;
const stopTimeoutMs = 5000;
/** Lets the kernel end the server with the test's process, also when that is killed. */
const setpriv = '/usr/bin/setpriv';

/** The process of a server, ended by its id: by `stop`, or when the process of the test ends. */
export class ServerProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #kill = () => this.#child.kill('SIGKILL');
  #output = '';
  #startError: Error | undefined;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    const keep = (chunk: string) => {
      this.#output = (this.#output + chunk).slice(-keptOutputChars);
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    child.on('error', (error) => {
      this.#startError = error;
    });
    process.on('exit', this.#kill);
    child.on('exit', () => process.off('exit', this.#kill));
  }

  /** Never throws: a program that cannot start is reported by `waitUntil`. */
  static start(
    name: string,
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): ServerProcess {
    const [command, ...before] = existsSync(setpriv)
      ? ([setpriv, '--pdeathsig', 'KILL', '--', program] as const)
      : ([program] as const);
    const options = {
      stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    };
    return new ServerProcess(name, spawn(command, [...before, ...args], options));
  }

  /** 0 when it did not start. */
  get processId(): number {
    return this.#child.pid ?? 0;
  }

  /** The end of what it has printed. */
  get lastLines(): string {
    return this.#output.trim().split('\n').slice(-20).join('\n');
  }

  get #ended(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Asks again and again; a probe that throws or takes longer than a second has answered no. */
  async waitUntil(isReady: (signal: AbortSignal) => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await isReady(AbortSignal.timeout(1000)).catch(() => false))) {
      if (this.#ended) throw this.#failure(`ended with ${this.#child.exitCode ?? this.#child.signalCode}`);
      if (performance.now() > deadline) throw this.#failure(`does not answer after ${timeoutMs} ms`);
      await sleep(pollIntervalMs);
    }
  }

  /** SIGTERM, and SIGKILL where that has not ended it in 5 s. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const killing = setTimeout(this.#kill, stopTimeoutMs);
    await exit;
    clearTimeout(killing);
  }

  #failure(what: string): Error {
    return new Error(`${this.name} ${this.#startError?.message ?? what}; its last lines:\n${this.lastLines}`);
  }
}

/** True once a server answers HTTP requests at all, whatever the status. */
export async function answersHttp(url: string, signal: AbortSignal): Promise<boolean> {
  const response = await fetch(url, { signal });
  await response.body?.cancel();
  return response.status < 500;
}
