/**
 * A pass of a tiny folder into a repository whose index lists many blobs: how long loading it takes, and how much
 * memory. npm run bench -- large-index [BLOBS...]: by default a million, for tranship and restic, and ten million, for
 * tranship alone. The blobs are made up, their packs are not there, and no program looks for them in such a pass.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '../src/providers/objects/open.ts';
import { IndexWriter } from '../src/repository/index-writer.ts';
import { Repository } from '../src/repository/repository.ts';
import { removeTree } from '../test/support/temporary-folder.ts';
import { weakScrypt } from '../test/support/weak-key.ts';
import { openPrograms } from './programs/catalogue.ts';
import { password } from './programs/program.ts';
import { benchFolder } from './support/bench-folder.ts';
import { identifyEngine } from './support/engine.ts';
import { buildPackage } from './support/installed-package.ts';
import { describeMachine } from './support/machine.ts';
import { measure } from './support/measure.ts';
import type { Cost } from './support/resource-meter.ts';
import { RunFile } from './support/run-file.ts';
import type { IndexFigure } from './support/run-file.ts';
import { countTree } from './support/tree-count.ts';

const rounds = 3;
const blobsPerPack = 16;
const blobBytes = 2 ** 20;
/** restic's index of ten million takes minutes, and the goal there is tranship's own. */
const resticUpTo = 1_000_000;

/** Makes the repository, or finds it from an earlier run. */
async function keepRepository(blobs: number): Promise<string> {
  const path = join(benchFolder(), 'data', `index-${blobs}`);
  if (existsSync(path)) return path;
  const making = `${path}.partial`;
  rmSync(making, { recursive: true, force: true });
  const store = await openStore(making);
  const repository = await Repository.init(store, { password, scryptCost: weakScrypt });
  const writer = new IndexWriter(repository);
  for (let written = 0; written < blobs; written += blobsPerPack) {
    await writer.add({
      id: randomBytes(32).toString('hex'),
      blobs: Array.from({ length: Math.min(blobsPerPack, blobs - written) }, (_, index) => ({
        id: randomBytes(32).toString('hex'),
        type: 'data' as const,
        offset: index * blobBytes,
        length: blobBytes - (written % 1000),
        uncompressedLength: blobBytes,
      })),
    });
  }
  await writer.flush();
  await store.close();
  renameSync(making, path);
  return path;
}

function writeTinyFolder(folder: string, round: number): string {
  const path = join(folder, 'tiny');
  mkdirSync(path, { recursive: true });
  for (let index = 0; index < 100; index++) {
    writeFileSync(join(path, `file-${index}`), createHash('sha512').update(`${round} ${index}`).digest());
  }
  return path;
}

async function measureIndex(blobs: number, launcher: string): Promise<IndexFigure[]> {
  const repository = await keepRepository(blobs);
  const indexBytes = countTree(join(repository, 'index')).bytes;
  const names = blobs <= resticUpTo ? ['tranship', 'restic'] : ['tranship'];
  const programs = openPrograms(names, launcher, (_, reason) => console.error(`SKIPPED: ${reason}`));
  const work = await mkdtemp(join(benchFolder(), 'index-work-'));
  const costs = new Map<string, Cost[]>();
  try {
    for (let round = 0; round < rounds; round++) {
      const data = writeTinyFolder(work, round);
      for (const program of round % 2 === 0 ? programs : programs.toReversed()) {
        const state = join(work, program.name);
        mkdirSync(state, { recursive: true });
        const place = { data, target: '', state, repository: { kind: 'local', path: repository } } as const;
        const command = program.passes(place).first?.[0]?.command;
        if (command === undefined) continue;
        const cost = await measure(command, { cwd: state, env: { HOME: state, ...program.env(place) } });
        costs.set(program.name, [...(costs.get(program.name) ?? []), cost]);
        const [seconds, mib] = [cost.wallMs / 1000, cost.peakRssBytes / 2 ** 20];
        console.log(`${blobs} blobs, ${program.name}: ${seconds.toFixed(2)} s, ${mib.toFixed(0)} MiB`);
      }
    }
  } finally {
    removeTree(work);
  }
  return Array.from(costs, ([program, all]) => ({ program, blobs, indexBytes, costs: all }));
}

const wanted = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000_000, 10_000_000];
mkdirSync(join(benchFolder(), 'data'), { recursive: true });
const built = await mkdtemp(join(benchFolder(), 'built-'));
try {
  const launcher = buildPackage(built);
  const plan = { data: [], stores: [], programs: [], passes: [], rounds, countsTraffic: false };
  const file = RunFile.open(join(import.meta.dirname, 'results'), {
    machine: describeMachine(),
    ...identifyEngine(),
    plan,
    versions: {},
    abouts: {},
    skipped: {},
  });
  for (const blobs of wanted)
    file.addIndex([...(file.run.index ?? []), ...(await measureIndex(blobs, launcher))]);
  file.finish();
  console.log(file.path);
} finally {
  rmSync(built, { recursive: true });
}
