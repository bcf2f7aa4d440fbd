import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PassName } from '../passes.ts';
import type { Traffic } from '../stores/store.ts';
import type { Cost } from './resource-meter.ts';
import type { TreeCount } from './tree-count.ts';

/** What decides which turns a run has. Two invocations with the same plan and the same engine are one run. */
export interface Plan {
  readonly data: readonly { readonly name: string; readonly scale: number }[];
  readonly stores: readonly string[];
  readonly programs: readonly string[];
  readonly passes: readonly PassName[];
  readonly rounds: number;
  /** Whether a turn more a program counts the traffic of stores on loopback. */
  readonly countsTraffic: boolean;
}

/** One pass of one program, measured. */
export interface Measured {
  readonly data: string;
  readonly store: string;
  readonly program: string;
  /** Absent in a turn that counted traffic, whose times mean nothing. */
  readonly round?: number;
  readonly pass: PassName;
  readonly cost?: Cost;
  readonly traffic?: Traffic;
  /** After the pass. */
  readonly repositoryBytes?: number;
}

/** One program in one cell in one round: it has made its passes, or has failed for a reason. */
export interface TurnRecord {
  readonly turn: string;
  readonly failure?: string;
}

/** A run as it is kept in a file; everything that the report needs. */
export interface Run {
  readonly format: 1;
  readonly started: string;
  readonly finished?: string;
  readonly machine: string;
  readonly commit: string;
  readonly engine: string;
  readonly plan: Plan;
  /** By name of program. */
  readonly versions: Readonly<Record<string, string>>;
  readonly abouts: Readonly<Record<string, string>>;
  /** Programs and stores that could not be had, with the reason. */
  readonly skipped: Readonly<Record<string, string>>;
  readonly counts: Readonly<Record<string, TreeCount>>;
  readonly turns: readonly TurnRecord[];
  readonly measured: readonly Measured[];
  /** Of `large-index`, where that has run. */
  readonly index?: readonly IndexFigure[];
}

/** A small pass into a repository with a large index. */
export interface IndexFigure {
  readonly program: string;
  readonly blobs: number;
  /** Of the index files, as they are stored. */
  readonly indexBytes: number;
  readonly costs: readonly Cost[];
}

/** A file of results, written anew after every turn: a process that is killed loses the turn it was in. */
export class RunFile {
  readonly path: string;
  #run: Run;

  private constructor(path: string, run: Run) {
    this.path = path;
    this.#run = run;
  }

  /** Continues the unfinished run of the same plan and engine, or begins a new one. */
  static open(
    folder: string,
    fresh: Omit<Run, 'format' | 'started' | 'turns' | 'measured' | 'counts'>,
  ): RunFile {
    mkdirSync(folder, { recursive: true });
    const key = createHash('sha256')
      .update(JSON.stringify([fresh.plan, fresh.engine]))
      .digest('hex');
    const suffix = `-${key.slice(0, 8)}.json`;
    const newest = readdirSync(folder)
      .filter((name) => name.endsWith(suffix))
      .sort()
      .at(-1);
    if (newest !== undefined) {
      const found = readRun(join(folder, newest));
      if (found.finished === undefined) return new RunFile(join(folder, newest), { ...found, ...fresh });
    }
    const started = new Date().toISOString();
    const name = `${started.replaceAll(/[:.]/g, '-')}${suffix}`;
    return new RunFile(join(folder, name), {
      format: 1,
      started,
      ...fresh,
      counts: {},
      turns: [],
      measured: [],
    });
  }

  get run(): Run {
    return this.#run;
  }

  has(turn: string): boolean {
    return this.#run.turns.some((record) => record.turn === turn);
  }

  add(turn: TurnRecord, measured: readonly Measured[]): void {
    const run = this.#run;
    this.#save({ ...run, turns: [...run.turns, turn], measured: [...run.measured, ...measured] });
  }

  addCount(name: string, count: TreeCount): void {
    this.#save({ ...this.#run, counts: { ...this.#run.counts, [name]: count } });
  }

  addIndex(index: readonly IndexFigure[]): void {
    this.#save({ ...this.#run, index });
  }

  finish(): void {
    this.#save({ ...this.#run, finished: new Date().toISOString() });
  }

  #save(run: Run): void {
    this.#run = run;
    const partial = `${this.path}.partial`;
    writeFileSync(partial, `${JSON.stringify(run, undefined, 1)}\n`);
    renameSync(partial, this.path);
  }
}

export function readRun(path: string): Run {
  if (!existsSync(path)) throw new Error(`there are no results at ${path}`);
  const run: Run = JSON.parse(readFileSync(path, 'utf8'));
  if (run.format !== 1) throw new Error(`${path} has another format than this bench reads`);
  return run;
}
