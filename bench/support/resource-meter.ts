/**
 * Runs one command and writes what it cost as a line of JSON to descriptor 3:
 *   node resource-meter.ts COMMAND [argument...]
 * A process of its own for each run, since Linux keeps one account of all children that a process has waited for.
 */
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import koffi from 'koffi';

/** What one run of a command cost, its own children included. */
export interface Cost {
  readonly exitCode: number;
  readonly wallMs: number;
  readonly userMs: number;
  readonly systemMs: number;
  /** Of the largest process of the tree. Never less than about 50 MB, which is this meter's own share before exec. */
  readonly peakRssBytes: number;
}

/** getrusage(2): who, and where in struct rusage the fields stand on 64-bit Linux. */
const RUSAGE_CHILDREN = -1;
const userOffset = 0;
const systemOffset = 16;
const maximumRssOffset = 32;
const rusageBytes = 144;

function costOf(command: string, args: readonly string[]): Cost {
  const getrusage = koffi.load(null).func('getrusage', 'int', ['int', 'void *']);
  const startMs = performance.now();
  const result = spawnSync(command, [...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  const wallMs = performance.now() - startMs;
  if (result.error !== undefined) throw result.error;
  const usage = Buffer.alloc(rusageBytes);
  if (getrusage(RUSAGE_CHILDREN, usage) !== 0) throw new Error('getrusage failed');
  return {
    exitCode: result.status ?? -1,
    wallMs,
    userMs: milliseconds(usage, userOffset),
    systemMs: milliseconds(usage, systemOffset),
    peakRssBytes: Number(usage.readBigInt64LE(maximumRssOffset)) * 1024,
  };
}

/** A struct timeval in milliseconds. */
function milliseconds(usage: Buffer, offset: number): number {
  return Number(usage.readBigInt64LE(offset)) * 1000 + Number(usage.readBigInt64LE(offset + 8)) / 1000;
}

if (import.meta.main) {
  const [command = '', ...args] = process.argv.slice(2);
  writeSync(3, `${JSON.stringify(costOf(command, args))}\n`);
}
