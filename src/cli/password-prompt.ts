import { CancelledError, UsageError, throwIfAborted } from '../base/errors.ts';

/** What the prompt needs of `process.stdin`, when that is a terminal. */
export interface PromptInput {
  setRawMode(isRaw: boolean): unknown;
  setEncoding(encoding: 'utf8'): unknown;
  on(event: 'data', listener: (text: string) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  off(event: 'data', listener: (text: string) => void): unknown;
  off(event: 'end', listener: () => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

const enter = new Set(['\r', '\n']);
const interrupt = '\u0003';
const endOfInput = '\u0004';
const eraseLine = '\u0015';
const backspace = new Set(['\b', '\u007f']);

/**
 * Asks for a line on a terminal without showing what is typed. Ctrl-C rejects with CancelledError: a terminal in raw
 * mode sends no signal.
 */
export async function promptPassword(
  question: string,
  input: PromptInput,
  write: (text: string) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  throwIfAborted(signal);
  input.setEncoding('utf8');
  // Before the question: whoever answers at once must not be shown either.
  input.setRawMode(true);
  try {
    write(question);
    return await readHiddenLine(input, signal);
  } finally {
    input.setRawMode(false);
    // A terminal that is still read would keep the process alive.
    input.pause();
    write('\n');
  }
}

function readHiddenLine(input: PromptInput, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const settle = (how: () => void): void => {
      input.off('data', onData);
      input.off('end', onEnd);
      signal?.removeEventListener('abort', onAbort);
      how();
    };
    const onAbort = (): void => settle(() => reject(new CancelledError(signal?.reason)));
    const onEnd = (): void => settle(() => reject(new UsageError('no password was given')));
    const onData = (text: string): void => {
      for (const character of text) {
        if (enter.has(character)) return settle(() => resolve(typed.join('')));
        if (character === interrupt) return settle(() => reject(new CancelledError()));
        if (character === endOfInput) return onEnd();
        if (character === eraseLine) typed = [];
        else if (backspace.has(character)) typed.pop();
        else typed.push(character);
      }
    };
    input.on('data', onData);
    input.on('end', onEnd);
    signal?.addEventListener('abort', onAbort);
    input.resume();
  });
}
