import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { isatty } from 'node:tty';
import { CancelledError, FileSystemError, TranshipError, UsageError } from '../base/errors.ts';
import { splitCommandWords } from './command-words.ts';
import { promptPassword } from './password-prompt.ts';

export interface PasswordSources {
  /** True for the repository that is copied from, whose options begin with `from-`. Default false. */
  readonly isSource?: boolean | undefined;
  /** From options; they go before the environment. */
  readonly file?: string | undefined;
  readonly command?: string | undefined;
  readonly environment: {
    readonly password: string | undefined;
    readonly passwordFile: string | undefined;
    readonly passwordCommand: string | undefined;
  };
  /** Ask twice, for a password that is new. Default false. */
  readonly confirm?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The repository's password: from a file, a command, the environment, or a person at the terminal. Never from an
 * argument, which everyone on the machine can read.
 */
export async function resolvePassword(sources: PasswordSources): Promise<string> {
  const { file, command, environment, isSource = false, signal } = sources;
  const from = isSource ? 'from-' : '';
  if (file !== undefined && command !== undefined) {
    throw new UsageError(`--${from}password-file and --${from}password-command exclude each other`);
  }
  if (file !== undefined) return passwordFromFile(file);
  if (command !== undefined) return passwordFromCommand(command, signal);
  if (environment.password !== undefined) return environment.password;
  if (environment.passwordFile !== undefined) return passwordFromFile(environment.passwordFile);
  if (environment.passwordCommand !== undefined)
    return passwordFromCommand(environment.passwordCommand, signal);
  return passwordFromTerminal({
    what: isSource ? 'password of the source' : 'password',
    question: isSource ? 'password of the source repository: ' : 'repository password: ',
    confirm: sources.confirm ?? false,
    advice: isSource
      ? 'use --from-password-file, --from-password-command or TRANSHIP_FROM_PASSWORD'
      : 'use --password-file, --password-command or TRANSHIP_PASSWORD',
    signal,
  });
}

export interface NewPasswordSources {
  readonly file?: string | undefined;
  readonly command?: string | undefined;
  readonly environment: { readonly newPassword: string | undefined };
  readonly signal?: AbortSignal | undefined;
}

/** The password of a key that is to be made; asked for twice at a terminal. */
export async function resolveNewPassword(sources: NewPasswordSources): Promise<string> {
  const { file, command, environment, signal } = sources;
  if (file !== undefined && command !== undefined) {
    throw new UsageError('--new-password-file and --new-password-command exclude each other');
  }
  if (file !== undefined) return passwordFromFile(file);
  if (command !== undefined) return passwordFromCommand(command, signal);
  if (environment.newPassword !== undefined) return environment.newPassword;
  return passwordFromTerminal({
    what: 'new password',
    question: 'new password: ',
    confirm: true,
    advice: 'use --new-password-file, --new-password-command or TRANSHIP_NEW_PASSWORD',
    signal,
  });
}

async function passwordFromFile(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new FileSystemError('io', 'cannot read the password file', {
      where: path,
      advice: 'check that it exists and that you may read it',
      cause,
    });
  }
  return notEmpty(trimmed(decodeText(bytes)), `the password file is empty: ${path}`);
}

/** restic takes UTF-8 with or without a mark, and UTF-16 with one. */
function decodeText(bytes: Buffer): string {
  if (bytes.length >= 2 && bytes.readUInt16BE(0) === 0xfeff) return new TextDecoder('utf-16be').decode(bytes);
  if (bytes.length >= 2 && bytes.readUInt16LE(0) === 0xfeff) return new TextDecoder('utf-16le').decode(bytes);
  return new TextDecoder('utf-8').decode(bytes);
}

/** White space as Go has it: U+0085 too, which JavaScript leaves, but not U+FEFF. */
function trimmed(text: string): string {
  return text.replace(/^[\p{White_Space}]+|[\p{White_Space}]+$/gu, '');
}

function notEmpty(password: string, what: string): string {
  if (password === '') throw new UsageError(what);
  return password;
}

/**
 * Runs the command without a shell; what it prints is the password, its messages go to our stderr. It may ask at a
 * terminal; any other standard input is what is to be stored, of which it must not take the beginning.
 */
async function passwordFromCommand(command: string, signal: AbortSignal | undefined): Promise<string> {
  const [program = '', ...args] = splitCommandWords(command);
  const printed = await new Promise<Buffer>((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [isatty(0) ? 'inherit' : 'ignore', 'pipe', 'inherit'],
      signal,
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (cause) => {
      reject(
        signal?.aborted === true ? new CancelledError(signal.reason) : commandFailed(program, cause.message),
      );
    });
    child.on('close', (code, killedBy) => {
      if (code === 0) resolve(Buffer.concat(chunks));
      else reject(commandFailed(program, killedBy ?? `exit ${code}`));
    });
  });
  return notEmpty(trimmed(printed.toString('utf8')), `the password command printed nothing: ${program}`);
}

/** Names the program only: its arguments may be secret. */
function commandFailed(program: string, how: string): TranshipError {
  return new TranshipError('io', `the password command failed, ${how}`, { where: program });
}

interface TerminalQuestion {
  /** What is asked for: `password`. */
  readonly what: string;
  readonly question: string;
  readonly confirm: boolean;
  /** What else there is, where nobody can be asked. */
  readonly advice: string;
  readonly signal: AbortSignal | undefined;
}

async function passwordFromTerminal(options: TerminalQuestion): Promise<string> {
  const { what, question, confirm, advice, signal } = options;
  const { stdin, stderr } = process;
  if (!stdin.isTTY) throw new UsageError(`no ${what} was given`, { advice });
  const ask = (text: string): Promise<string> =>
    promptPassword(text, stdin, (shown) => stderr.write(shown), signal);
  const password = notEmpty(await ask(question), 'the password is empty');
  if (confirm && (await ask('the same again: ')) !== password) {
    throw new UsageError('the two passwords differ');
  }
  return password;
}
