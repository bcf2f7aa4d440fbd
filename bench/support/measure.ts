import { spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Cost } from './resource-meter.ts';

const meter = fileURLToPath(new URL('./resource-meter.ts', import.meta.url));

export interface MeasureOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The command writes its cost to descriptor 3 itself. */
  readonly isSelfMetered?: boolean;
}

/**
 * Runs a command to its end and returns what it cost, its children included; throws with what it printed when its exit
 * code is not 0. What others have written before is on the disk first, so that it pays for nobody.
 */
export async function measure(
  command: readonly [string, ...string[]],
  { env, cwd, isSelfMetered = false }: MeasureOptions,
): Promise<Cost> {
  spawnSync('sync');
  const [program, ...args] = isSelfMetered ? command : ([process.execPath, meter, ...command] as const);
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], LC_ALL: 'C.UTF-8', ...env },
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

/** What several commands cost one after the other. */
export function sumOf(costs: readonly Cost[]): Cost {
  const sum = (valueOf: (cost: Cost) => number): number =>
    costs.reduce((total, cost) => total + valueOf(cost), 0);
  return {
    exitCode: 0,
    wallMs: sum(({ wallMs }) => wallMs),
    userMs: sum(({ userMs }) => userMs),
    systemMs: sum(({ systemMs }) => systemMs),
    peakRssBytes: Math.max(0, ...costs.map(({ peakRssBytes }) => peakRssBytes)),
  };
}
