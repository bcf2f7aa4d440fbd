import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { FileSystemError } from '../base/errors.ts';

/** How long a program that was told to end may take. */
const killAfterMs = 2000;

/**
 * What a program prints, as a stream that fails when the program does. It is started when the first bytes are asked
 * for, without a shell and without input, and terminated when the stream is left before its end, by SIGKILL if it
 * ignores SIGTERM for two seconds. Its messages go to our stderr.
 */
export function commandOutput(program: string, args: readonly string[]): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => {
      const { stdout, ended, kill } = start(program, args);
      const pieces = untilEnd(stdout, ended);
      return {
        next: () => pieces.next(),
        // The generator's own `return` would wait until the program prints again.
        return: async () => {
          kill();
          stdout.destroy();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

function start(program: string, args: readonly string[]) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<FileSystemError | undefined>((resolve) => {
    child.on('error', (cause) => resolve(failed('the command cannot be started', program, cause)));
    child.on('exit', (code, killedBy) => {
      const how = killedBy ?? `exit ${code}`;
      resolve(code === 0 ? undefined : failed(`the command failed, ${how}`, program));
    });
  });
  return { stdout: child.stdout, ended, kill: () => terminate(child) };
}

function terminate(child: ChildProcess): void {
  if (!child.kill()) return;
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    // One that hangs in the kernel must not keep this process.
    child.unref();
  }, killAfterMs);
  child.once('exit', () => clearTimeout(timer));
}

/** The last bytes say nothing: whether they are all is known when the program has ended. */
async function* untilEnd(
  stdout: AsyncIterable<Uint8Array>,
  ended: Promise<FileSystemError | undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* stdout;
  const failure = await ended;
  if (failure !== undefined) throw failure;
}

/** Names the program only: its arguments may be secret. */
function failed(what: string, program: string, cause?: Error): FileSystemError {
  const advice = `${cause === undefined ? '' : `${cause.message}; `}no snapshot was written`;
  return new FileSystemError('io', what, { where: program, advice, cause });
}
