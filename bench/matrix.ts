import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '../test/support/temporary-folder.ts';
import { dataSets } from './data/catalogue.ts';
import { keepData } from './data/kept-data.ts';
import type { KeptData } from './data/kept-data.ts';
import type { Program } from './programs/program.ts';
import type { Store } from './stores/store.ts';
import { readTree } from './support/read-tree.ts';
import type { RunFile } from './support/run-file.ts';
import { runTurn, takesPart } from './turn.ts';

export interface MatrixOptions {
  /** Data sets are kept here, and turns made. */
  readonly folder: string;
  readonly programs: readonly Program[];
  readonly stores: readonly Store[];
  /** No turn begins later than this, by `performance.now()`. */
  readonly deadlineMs: number;
  readonly say: (line: string) => void;
}

interface Planned {
  readonly id: string;
  readonly data: KeptData;
  readonly store: Store;
  readonly program: Program;
  readonly round: number | undefined;
}

/**
 * Makes the turns that the run has not made yet, cell by cell; in each round all programs in an order that moves on by
 * one, so that what drifts over time hits all alike. A turn that fails is kept with its reason and not tried again.
 * Returns false when the deadline came first; the next call with the same file goes on.
 */
export async function runMatrix(file: RunFile, options: MatrixOptions): Promise<boolean> {
  const { plan } = file.run;
  const work = join(options.folder, 'work');
  mkdirSync(work, { recursive: true });
  const folder = mkdtempSync(join(work, 'run-'));
  // Programs keep compiled code and temporary files there: the same place in all turns, as at home.
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  try {
    for (const { name, scale } of plan.data) {
      const set = dataSets.find((candidate) => candidate.name === name);
      if (set === undefined) throw new Error(`no data set is called ${name}`);
      options.say(`${name}: making or finding it`);
      const data = await keepData(set, scale, join(options.folder, 'data'));
      if (file.run.counts[name] === undefined) file.addCount(name, data.count);
      for (const store of options.stores) {
        const turns = turnsOf(file, data, store, options.programs);
        if (turns.length > 0) readTree(data.tree);
        for (const turn of turns) {
          if (performance.now() > options.deadlineMs) return false;
          await makeTurn(file, turn, folder, options.say);
        }
      }
    }
    return true;
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    removeTree(folder);
  }
}

function turnsOf(file: RunFile, data: KeptData, store: Store, programs: readonly Program[]): Planned[] {
  const { rounds, passes, countsTraffic } = file.run.plan;
  const taking = programs.filter((program) => takesPart(program, store, passes));
  const turns: Planned[] = [];
  const add = (program: Program, round: number | undefined): void => {
    const id = [data.name, store.name, program.name, round ?? 'traffic'].join(' ');
    if (!file.has(id)) turns.push({ id, data, store, program, round });
  };
  for (let round = 0; round < rounds; round++) {
    const first = round % Math.max(1, taking.length);
    for (const program of [...taking.slice(first), ...taking.slice(0, first)]) add(program, round);
  }
  if (countsTraffic && store.name === 's3') for (const program of taking) add(program, undefined);
  return turns;
}

async function makeTurn(
  file: RunFile,
  turn: Planned,
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  const startMs = performance.now();
  const outcome = await runTurn({ ...turn, passes: file.run.plan.passes }, folder).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  if (typeof outcome === 'string') {
    file.add({ turn: turn.id, failure: outcome }, []);
    say(`${turn.id}: FAILED: ${outcome}`);
    return;
  }
  file.add({ turn: turn.id }, outcome);
  const walls = outcome.flatMap(({ pass, cost }) =>
    cost === undefined ? [] : [`${pass} ${(cost.wallMs / 1000).toFixed(2)}`],
  );
  const figures = walls.length === 0 ? 'traffic counted' : `${walls.join(', ')} s`;
  say(`${turn.id}: ${figures} (${((performance.now() - startMs) / 1000).toFixed(0)} s in all)`);
}
