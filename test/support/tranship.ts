/** Runs the command line as a user does: the launcher, in a process of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { projectRoot } from './project-files.ts';

export const launcher = join(projectRoot, 'bin', 'tranship');
export const testPassword = 'test';

export interface TranshipOptions {
  /** Added to an environment that holds the password and weak scrypt; `undefined` takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd?: string | undefined;
  readonly input?: string | undefined;
  /** Called with every piece of stdout. */
  readonly onStdout?: ((text: string, child: ChildProcess) => void) | undefined;
  readonly onStart?: ((child: ChildProcess) => void) | undefined;
}

export interface TranshipResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of the tests; scrypt is weak, so that a repository opens at once. */
export function transhipEnvironment(
  more: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const env: Record<string, string | undefined> = {
    // The launcher's first line asks for `node`, which must be this one.
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: process.env['HOME'],
    TMPDIR: process.env['TMPDIR'],
    TZ: 'UTC',
    // Three quarters of a short command's time would go into stripping the types of its sources.
    NODE_COMPILE_CACHE: join(projectRoot, 'node_modules', '.cache', 'compiled'),
    TRANSHIP_PASSWORD: testPassword,
    TRANSHIP_TEST_WEAK_SCRYPT: '1',
    ...more,
  };
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) given[name] = value;
  return given;
}

export function tranship(args: readonly string[], options: TranshipOptions = {}): Promise<TranshipResult> {
  return run(process.execPath, [launcher, ...args], options);
}

/** A line of shell, in which `tranship` is the launcher. */
export function shell(script: string, options: TranshipOptions = {}): Promise<TranshipResult> {
  const path = `${dirname(launcher)}:${transhipEnvironment()['PATH'] ?? ''}`;
  // Bash takes a piped standard input for a remote login, and would read its start-up file.
  return run('bash', ['--norc', '-e', '-u', '-o', 'pipefail', '-c', script], {
    ...options,
    env: { PATH: path, ...options.env },
  });
}

function run(program: string, args: readonly string[], options: TranshipOptions): Promise<TranshipResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: transhipEnvironment(options.env),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      options.onStdout?.(text, child);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code, signal, stdout, stderr: withoutTestWarning(stderr) }),
    );
    options.onStart?.(child);
  });
}

/** The lines as JSON objects. */
export function messages(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Record<string, unknown> => JSON.parse(line));
}

/** The one message of a type. */
export function message(text: string, type: string): Record<string, unknown> {
  const found = messages(text).filter((candidate) => candidate['message_type'] === type);
  const [first] = found;
  if (first === undefined || found.length > 1)
    throw new Error(`${found.length} ${type} messages in: ${text}`);
  return first;
}

function withoutTestWarning(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => !line.includes('TRANSHIP_TEST_WEAK_SCRYPT is set'))
    .join('\n');
}
