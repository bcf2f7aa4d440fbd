/** Runs the command line on a pseudo-terminal, with `script` of util-linux. */
import { spawn } from 'node:child_process';
import { launcher, transhipEnvironment } from './tranship.ts';

/** Part of util-linux. */
export const terminalProgram = 'script';

export interface TerminalOptions {
  /** What is typed; each when another prompt (`: ` at the end) is shown. */
  readonly answers?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Without a password in the environment, unless one is given. */
export function runInTerminal(
  args: readonly string[],
  options: TerminalOptions = {},
): Promise<{ readonly shown: string; readonly code: number | null }> {
  const command = [launcher, ...args].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  const waiting = [...(options.answers ?? [])];
  return new Promise((resolve, reject) => {
    const child = spawn(terminalProgram, ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: transhipEnvironment({
        TRANSHIP_PASSWORD: undefined,
        TERM: 'xterm',
        SHELL: '/bin/sh',
        ...options.env,
      }),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let shown = '';
    let answeredAt = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
      const rest = shown.slice(answeredAt);
      const answer = rest.endsWith(': ') ? waiting.shift() : undefined;
      if (answer === undefined) return;
      answeredAt = shown.length;
      child.stdin.write(answer);
    });
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code) => resolve({ shown, code }));
  });
}
