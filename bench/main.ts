/** npm run bench: see `usage`. */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { removeTree } from '../test/support/temporary-folder.ts';
import { dataSets } from './data/catalogue.ts';
import { runMatrix } from './matrix.ts';
import { passes, passNames } from './passes.ts';
import { openPrograms, programNames } from './programs/catalogue.ts';
import { writeReport } from './report/write-report.ts';
import { stores } from './stores/catalogue.ts';
import { benchFolder } from './support/bench-folder.ts';
import { identifyEngine } from './support/engine.ts';
import { buildPackage } from './support/installed-package.ts';
import { describeMachine } from './support/machine.ts';
import { RunFile } from './support/run-file.ts';
import type { Plan } from './support/run-file.ts';

const usage = `npm run bench [-- option...]          passes of tranship and its peers: data x store x pass x program
npm run bench -- report [FILE...]     writes docs/performance.md from results (default: the newest)
npm run bench -- micro [NAME]         micro benches, or one of them
npm run bench -- store-driver KIND    the driver of azure-blob, gcs or s3 against the service's plain SDK
npm run bench -- large-index [BLOBS]  a small pass into a repository with a large index

  --quick             what to run before and after a change: under 10 minutes
  --data NAME,...     only these data sets; NAME:0.1 takes a tenth of one
  --stores NAME,...   only these stores
  --passes NAME,...   only these passes (what they need runs as well)
  --programs NAME,... only these programs
  --rounds N          how often each program takes its turn (default: 3)
  --scale N           size of all data sets, 1 is full; "tiny" shows that everything runs
  --no-traffic        leave out the turns that count requests and bytes
  --minutes N         begin no turn later than this; the same command goes on
  --commit REF        measure this commit of tranship (default: the clone as it is, edits included)
  --list              show the names and end
  --help              show this and end

Every finished turn is kept in bench/results at once: an interrupted run goes on where it was, as long as the options
and what is built are the same. Data sets lie in TRANSHIP_BENCH_DIR (default: ~/.cache/tranship/bench).`;

const results = join(import.meta.dirname, 'results');
const tinyScale = 0.001;
/**
 * What tells within 10 minutes whether a change has made something slower. `source` is not restored from S3, since tens
 * of thousands of new files take longest of all, and the disk most of that.
 */
const quickPasses = ['start', 'open', 'first', 'unchanged', 'restore'] as const;
const quickParts = [
  { data: ['big:0.25', 'small:0.15'], stores: ['local', 's3'], passes: quickPasses },
  { data: ['source'], stores: ['local'], passes: quickPasses },
  { data: ['source'], stores: ['s3'], passes: quickPasses.filter((name) => name !== 'restore') },
];
const quickPrograms = ['tranship', 'restic', 'kopia'];

function list(): void {
  const table = (title: string, rows: readonly { readonly name: string; readonly about: string }[]): void => {
    console.log(`${title}:`);
    for (const { name, about } of rows) console.log(`  ${name.padEnd(14)}${about}`);
  };
  table('data', dataSets);
  table('stores', stores);
  table('passes', passes);
  console.log(`programs:\n  ${programNames.join(' ')}\nmicro:\n  ${microNames().join(' ')}`);
}

/** Names of a list, all where none are given; ends the program at one that is not known. */
function chosen<Name extends string>(kind: string, text: string | undefined, known: readonly Name[]): Name[] {
  const names: readonly string[] = text?.split(',') ?? known;
  const unknown = names.filter((name) => !known.some((one) => one === name));
  if (unknown.length > 0)
    throw new RangeError(`no ${kind} is called ${unknown.join(', ')} (known: ${known.join(', ')})`);
  return known.filter((name) => names.includes(name));
}

/** NAME or NAME:SCALE. */
function chosenData(parts: readonly string[], scale: number): Plan['data'] {
  const scales = new Map(
    parts.map((part) => {
      const [name = '', own = '1'] = part.split(':');
      return [name, positive('a scale', own) * scale];
    }),
  );
  const known = dataSets.map(({ name }) => name);
  return chosen('data set', [...scales.keys()].join(','), known).map((name) => ({
    name,
    scale: scales.get(name) ?? scale,
  }));
}

function positive(what: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`${what} is a number above 0, not ${text}`);
  return value;
}

function microNames(): string[] {
  return globSync('micro/*.bench.ts', { cwd: import.meta.dirname })
    .map((file) => basename(file, '.bench.ts'))
    .sort();
}

/** Runs other parts as processes of their own, one after the other. */
function runParts(files: readonly string[], args: readonly string[]): void {
  for (const file of files) {
    const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file), ...args], {
      stdio: 'inherit',
    });
    if (status !== 0) process.exitCode = status ?? 1;
  }
}

async function runPasses(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      data: { type: 'string' },
      stores: { type: 'string' },
      passes: { type: 'string' },
      programs: { type: 'string' },
      rounds: { type: 'string' },
      scale: { type: 'string', default: '1' },
      traffic: { type: 'boolean', default: true },
      minutes: { type: 'string' },
      commit: { type: 'string' },
      results: { type: 'string', default: results },
    },
    allowNegative: true,
  });
  const plans = plansOf(values);
  const deadlineMs =
    values.minutes === undefined
      ? Infinity
      : performance.now() + positive('--minutes', values.minutes) * 60_000;
  const built = mkdtempSync(join(tmpdir(), 'tranship-bench-'));
  try {
    const launcher = buildPackage(built, values.commit);
    const identity = identifyEngine(values.commit);
    for (const plan of plans)
      await runPlan(plan, { ...identity, launcher, deadlineMs, folder: values.results });
  } finally {
    removeTree(built);
  }
}

interface Choice {
  readonly quick: boolean;
  readonly data?: string | undefined;
  readonly stores?: string | undefined;
  readonly passes?: string | undefined;
  readonly programs?: string | undefined;
  readonly rounds?: string | undefined;
  readonly scale: string;
  readonly traffic: boolean;
}

/** One plan, or with `--quick` its parts as far as they were chosen. */
function plansOf(choice: Choice): Plan[] {
  const scale = choice.scale === 'tiny' ? tinyScale : positive('--scale', choice.scale);
  const common = {
    programs: chosen('program', choice.programs, programNames),
    rounds: positive('--rounds', choice.rounds ?? (choice.quick ? '1' : '3')),
    countsTraffic: choice.traffic && !choice.quick,
  };
  const storeNames = chosen(
    'store',
    choice.stores,
    stores.map(({ name }) => name),
  );
  const wantedPasses = chosen('pass', choice.passes, passNames);
  const data = chosenData(choice.data?.split(',') ?? dataSets.map(({ name }) => name), scale);
  if (!choice.quick) return [{ ...common, data, stores: storeNames, passes: wantedPasses }];
  const programs = choice.programs === undefined ? quickPrograms : common.programs;
  return quickParts
    .map((part) => ({
      ...common,
      programs,
      data: chosenData(part.data, scale).filter(({ name }) => data.some((one) => one.name === name)),
      stores: storeNames.filter((name) => part.stores.includes(name)),
      passes: wantedPasses.filter((name) => part.passes.some((one) => one === name)),
    }))
    .filter((plan) => [plan.data, plan.stores, plan.passes].every(({ length }) => length > 0));
}

async function runPlan(
  plan: Plan,
  options: { commit: string; engine: string; launcher: string; deadlineMs: number; folder: string },
): Promise<void> {
  const { commit, engine, launcher, deadlineMs, folder } = options;
  const skipped: Record<string, string> = {};
  const skip = (name: string, reason: string): void => {
    skipped[name] = reason;
    console.error(`SKIPPED: ${name}: ${reason}`);
  };
  const programs = openPrograms(plan.programs, launcher, skip);
  const here = stores.filter((store) => {
    if (!plan.stores.includes(store.name)) return false;
    const reason = store.absent();
    if (reason !== undefined) skip(store.name, reason);
    return reason === undefined;
  });
  const file = RunFile.open(folder, {
    machine: describeMachine(),
    commit,
    engine,
    plan,
    versions: Object.fromEntries(programs.map(({ name, version }) => [name, version])),
    abouts: Object.fromEntries(programs.map(({ name, about }) => [name, about])),
    skipped,
  });
  if (file.run.turns.length > 0) console.log(`goes on after ${file.run.turns.length} turns`);
  const say = (line: string): void => console.log(line);
  const isDone = await runMatrix(file, { folder: benchFolder(), programs, stores: here, deadlineMs, say });
  if (isDone) file.finish();
  console.log(
    isDone ? `all turns are made: ${file.path}` : `stopped in time; the same command goes on: ${file.path}`,
  );
  const failed = file.run.turns.filter(({ failure }) => failure !== undefined);
  if (failed.length > 0) {
    console.error(`${failed.length} turns failed`);
    process.exitCode = 1;
  }
}

async function main([part = '', ...args]: readonly string[]): Promise<void> {
  if (part === '--help') console.log(usage);
  else if (part === '--list') list();
  else if (part === 'report') console.log(writeReport(args, results));
  else if (part === 'micro') {
    runParts(
      chosen('micro bench', args[0], microNames()).map((name) => `micro/${name}.bench.ts`),
      [],
    );
  } else if (part === 'store-driver' || part === 'large-index') runParts([`${part}.bench.ts`], args);
  else if (part === '' || part.startsWith('--')) await runPasses(part === '' ? [] : [part, ...args]);
  else throw new RangeError(`no bench is called ${part}; see npm run bench -- --help`);
}

/** Wrong usage: a name or an option that does not exist. */
function isUsageError(error: unknown): boolean {
  return (
    error instanceof RangeError || (error instanceof TypeError && codeOf(error).startsWith('ERR_PARSE_ARGS'))
  );
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = isUsageError(error) ? 2 : 1;
  console.error(error instanceof Error && isUsageError(error) ? error.message : error);
}
