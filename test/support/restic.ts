/** Runs other programs of the format, restic and rustic, on a repository in a local folder. */
import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface PeerOptions {
  /** The program's path, or a name to be found by PATH. */
  readonly binary: string;
  /** The repository's folder. */
  readonly repository: string;
  /** Default: {@link PEER_PASSWORD}. */
  readonly password?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Before the words of every command of restic. */
  readonly arguments?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RunOptions {
  readonly cwd?: string | undefined;
  readonly input?: Uint8Array | undefined;
  /** Exit codes that are no failure. Default: 0 only. */
  readonly expectedExitCodes?: readonly number[] | undefined;
}

/** A peer ended with an exit code that the caller did not expect. The message holds what it printed on stderr. */
export class PeerError extends Error {
  readonly result: CommandResult;

  constructor(command: string, result: CommandResult) {
    const printed = result.stderr.trim() || result.stdout.subarray(-2000).toString();
    super(`${command}: exit ${result.exitCode}: ${printed}`);
    this.name = 'PeerError';
    this.result = result;
  }
}

export const PEER_PASSWORD = 'test';

export interface PeerSnapshot {
  readonly id: string;
  readonly tree: string;
  readonly time: string;
  readonly hostname: string;
  readonly paths: readonly string[];
  readonly tags?: readonly string[] | null;
  readonly parent?: string;
}

/** A line of `ls --json`. `path` has U+FFFD for each invalid byte. */
export interface PeerListing {
  readonly path: string;
  readonly type: string;
  readonly size?: number;
  readonly mode?: number;
}

/** The lines of output that are JSON objects. */
export function jsonLines(output: Uint8Array): Record<string, unknown>[] {
  const lines = Buffer.from(output).toString('utf8').split('\n');
  return lines.filter((line) => line.startsWith('{')).map((line) => parseObject(line));
}

function parseObject(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** restic, any version from 0.14 on. Every command runs without a cache and throws {@link PeerError} on failure. */
export class Restic {
  readonly options: PeerOptions;

  constructor(options: PeerOptions) {
    this.options = options;
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    const { binary, repository, password, env, arguments: before = [], signal } = this.options;
    return runCommand(binary, ['--no-cache', '-r', repository, ...before, ...args], {
      ...options,
      signal,
      env: { ...env, RESTIC_PASSWORD: password ?? PEER_PASSWORD },
    });
  }

  async init(version: 1 | 2 = 2): Promise<void> {
    await this.run(['init', '--repository-version', String(version)]);
  }

  /** The summary line of `backup --json`. Exit 3 (incomplete) is a failure unless it is expected. */
  async backup(
    paths: readonly string[],
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<Record<string, unknown>> {
    const result = await this.run(['backup', '--json', ...args, '--', ...paths], options);
    const summary = jsonLines(result.stdout).find((line) => line['message_type'] === 'summary');
    if (summary === undefined) throw new PeerError('restic backup printed no summary', result);
    return summary;
  }

  check(args: readonly string[] = ['--read-data'], options: RunOptions = {}): Promise<CommandResult> {
    return this.run(['check', ...args], options);
  }

  /** Restores into the target folder; the snapshot may be `latest`. */
  restore(
    snapshot: string,
    target: string,
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<CommandResult> {
    return this.run(['restore', snapshot, '--target', target, ...args], options);
  }

  async snapshots(): Promise<readonly PeerSnapshot[]> {
    const result = await this.run(['snapshots', '--json']);
    return parseSnapshots(result.stdout);
  }

  async ls(snapshot: string, args: readonly string[] = []): Promise<readonly PeerListing[]> {
    const result = await this.run(['ls', '--json', ...args, snapshot]);
    return jsonLines(result.stdout).flatMap(listingOf);
  }

  /** The plain bytes of a file or blob: `cat('blob', id)`, `cat('config')`. */
  async cat(...what: readonly string[]): Promise<Buffer> {
    return (await this.run(['cat', ...what])).stdout;
  }
}

/** rustic 0.11. Its passes and checks, in the words of {@link Restic}. */
export class Rustic {
  readonly options: PeerOptions;

  constructor(options: PeerOptions) {
    this.options = options;
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    const { binary, repository, password, env, signal } = this.options;
    return runCommand(binary, ['--no-cache', '--no-progress', '-r', repository, ...args], {
      ...options,
      signal,
      env: { ...env, RUSTIC_PASSWORD: password ?? PEER_PASSWORD },
    });
  }

  async init(args: readonly string[] = []): Promise<void> {
    await this.run(['init', ...args]);
  }

  backup(
    paths: readonly string[],
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<CommandResult> {
    return this.run(['backup', ...args, '--', ...paths], options);
  }

  check(args: readonly string[] = ['--read-data'], options: RunOptions = {}): Promise<CommandResult> {
    return this.run(['check', ...args], options);
  }

  /** `source` is SNAPSHOT[:PATH]. */
  restore(
    source: string,
    target: string,
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<CommandResult> {
    return this.run(['restore', ...args, source, target], options);
  }
}

function parseSnapshots(output: Buffer): readonly PeerSnapshot[] {
  const parsed: unknown = JSON.parse(output.toString('utf8'));
  return Array.isArray(parsed) ? parsed.filter(isSnapshot) : [];
}

function isSnapshot(value: unknown): value is PeerSnapshot {
  return isObject(value) && typeof value['id'] === 'string' && typeof value['tree'] === 'string';
}

function listingOf(line: Record<string, unknown>): PeerListing[] {
  const { path, type, size, mode } = line;
  if (typeof path !== 'string' || typeof type !== 'string') return [];
  return [
    {
      path,
      type,
      ...(typeof size === 'number' ? { size } : {}),
      ...(typeof mode === 'number' ? { mode } : {}),
    },
  ];
}

interface CommandOptions extends RunOptions {
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a program to its end. The environment holds PATH, HOME, TZ and TMPDIR of this process, and what is given. */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await spawnToEnd(program, args, options);
  if (!(options.expectedExitCodes ?? [0]).includes(result.exitCode)) {
    throw new PeerError([program, ...args].join(' '), result);
  }
  return result;
}

function spawnToEnd(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      cwd: options.cwd,
      env: { ...inheritedEnvironment(), ...options.env },
      signal: options.signal,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    // A program that never reads its input closes the pipe early; its exit code tells whether that mattered.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? Buffer.alloc(0));
    child.on('close', (code) => {
      resolve({
        exitCode: code ?? -1,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}

function inheritedEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'TZ', 'TMPDIR']) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
