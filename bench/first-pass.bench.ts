/**
 * A first pass of random data into a fresh repository in a local folder: tranship against the newest restic, as whole
 * processes with their defaults, in pairs whose order alternates.
 *   npm run bench -- first-pass [--pairs N] [--data NAME] [--folder DIR] [--launcher FILE]
 * `--folder` is where data and repositories stand (default: the folder for temporary files), `--launcher` the
 * tranship to measure (default: this clone, built as it would be installed). The data was written just before and
 * stands in the page cache, for both alike; both write through to the disk (fsync) before they end.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { removeTree } from '../test/support/temporary-folder.ts';
import { peer } from '../test/support/peers.ts';
import { buildPackage } from './support/installed-package.ts';
import { describeMachine } from './support/machine.ts';
import { measure } from './support/measure.ts';
import { dataSets } from './support/random-files.ts';
import type { DataSet } from './support/random-files.ts';
import type { Cost } from './support/resource-meter.ts';

type Program = 'tranship' | 'restic';

interface Contender {
  readonly program: Program;
  readonly version: string;
  readonly init: readonly [string, ...string[]];
  readonly stage: readonly [string, ...string[]];
}

interface Comparison {
  readonly data: string;
  readonly bytes: number;
  readonly runs: Readonly<Record<Program, readonly Cost[]>>;
}

const { values: options } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    data: { type: 'string', multiple: true, default: dataSets.map(({ name }) => name) },
    folder: { type: 'string', default: tmpdir() },
    launcher: { type: 'string' },
  },
});

function contenders(launcher: string): readonly [Contender, Contender] {
  const restic = peer('restic-newest');
  if (restic === undefined) throw new Error('restic is not installed; to get it: npm run peers');
  const tranship: [string, string] = [process.execPath, launcher];
  return [
    {
      program: 'tranship',
      version: versionOf([...tranship, '--version']),
      init: [...tranship, 'init'],
      stage: [...tranship, 'stage', 'data'],
    },
    {
      program: 'restic',
      version: versionOf([restic, 'version']),
      init: [restic, 'init'],
      stage: [restic, 'backup', 'data'],
    },
  ];
}

function versionOf([command, ...args]: [string, ...string[]]): string {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout.trim();
}

/** One first pass; making the repository and removing it do not count. */
async function firstPass(contender: Contender, work: string): Promise<Cost> {
  const repository = join(work, 'repository');
  const env = {
    RESTIC_REPOSITORY: repository,
    RESTIC_PASSWORD: 'bench',
    // restic's cache is on by default; here it goes where it is removed again.
    RESTIC_CACHE_DIR: join(work, 'cache'),
    TMPDIR: work,
  };
  try {
    await measure(contender.init, { env, cwd: work });
    return await measure(contender.stage, { env, cwd: work });
  } finally {
    removeTree(repository);
    removeTree(join(work, 'cache'));
  }
}

async function compare(data: DataSet, pair: readonly [Contender, Contender]): Promise<Comparison> {
  const work = await mkdtemp(join(options.folder, 'tranship-bench-'));
  try {
    await mkdir(join(work, 'data'));
    const bytes = await data.fill(join(work, 'data'));
    const runs: Record<Program, Cost[]> = { tranship: [], restic: [] };
    for (let round = 0; round < Number(options.pairs); round++) {
      for (const contender of round % 2 === 0 ? pair : pair.toReversed()) {
        runs[contender.program].push(await firstPass(contender, work));
      }
    }
    return { data: data.name, bytes, runs };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const measures = {
  'wall s': (cost: Cost) => cost.wallMs / 1000,
  'CPU s': (cost: Cost) => (cost.userMs + cost.systemMs) / 1000,
  'peak MiB': (cost: Cost) => cost.peakRssBytes / 2 ** 20,
};

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function printComparison({ data, bytes, runs }: Comparison): void {
  const about = dataSets.find(({ name }) => name === data)?.about ?? '';
  console.log(
    `\n${data}: ${about}, ${(bytes / 2 ** 20).toFixed(0)} MiB; medians of ${runs.restic.length} runs`,
  );
  console.log(`${''.padEnd(10)}${'tranship'.padStart(10)}${'restic'.padStart(10)}${'ratio'.padStart(10)}`);
  for (const [name, valueOf] of Object.entries(measures)) {
    const ours = median(runs.tranship.map(valueOf));
    const theirs = median(runs.restic.map(valueOf));
    const cells = [ours.toFixed(2), theirs.toFixed(2), (ours / theirs).toFixed(2)];
    console.log(name.padEnd(10) + cells.map((cell) => cell.padStart(10)).join(''));
  }
}

async function run(launcher: string): Promise<void> {
  const pair = contenders(launcher);
  const versions = pair.map(({ version }) => version);
  console.log([describeMachine(), ...versions].join('\n'));
  const comparisons: Comparison[] = [];
  for (const data of dataSets.filter(({ name }) => options.data.includes(name))) {
    const comparison = await compare(data, pair);
    comparisons.push(comparison);
    printComparison(comparison);
  }
  const report = { finished: new Date().toISOString(), machine: describeMachine(), versions, comparisons };
  const results = join(import.meta.dirname, 'results');
  await mkdir(results, { recursive: true });
  await writeFile(join(results, 'first-pass.json'), `${JSON.stringify(report, undefined, 2)}\n`);
}

const built = await mkdtemp(join(tmpdir(), 'tranship-bench-'));
try {
  await run(options.launcher ?? buildPackage(built));
} finally {
  await rm(built, { recursive: true });
}
