import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Cost } from './resource-meter.ts';

const meter = fileURLToPath(new URL('./resource-meter.ts', import.meta.url));

export interface MeasureOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Runs a command to its end and returns what it cost; throws with what it printed when its exit code is not 0. */
export async function measure(
  command: readonly [string, ...string[]],
  options: MeasureOptions,
): Promise<Cost> {
  const child = spawn(process.execPath, [meter, ...command], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const account = child.stdio[3];
  if (child.stdout === null || child.stderr === null || account === null || account === undefined) {
    throw new Error('the meter has no pipes');
  }
  if (!('read' in account)) throw new Error('the account cannot be read');
  const [stdout, stderr, json] = await Promise.all([text(child.stdout), text(child.stderr), text(account)]);
  const cost: Cost | undefined = json === '' ? undefined : JSON.parse(json);
  if (cost?.exitCode === 0) return cost;
  throw new Error(`${command.join(' ')}: exit ${cost?.exitCode ?? 'unknown'}\n${stdout}${stderr}`);
}
