import { passNames } from '../passes.ts';
import type { PassName } from '../passes.ts';
import type { Traffic } from '../stores/store.ts';
import type { Measured, Run } from '../support/run-file.ts';

/** Median and extremes of the rounds. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly count: number;
}

/** What one pass of one program cost in one cell. */
export interface Figure {
  readonly wallMs: Spread;
  readonly cpuMs: Spread;
  readonly peakRssBytes: Spread;
  readonly repositoryBytes: number | undefined;
  readonly traffic: Traffic | undefined;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const lower = sorted[middle - 1] ?? upper;
  return {
    median: sorted.length % 2 === 1 ? upper : (lower + upper) / 2,
    least: sorted[0] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
    count: sorted.length,
  };
}

/**
 * The figures of one run or of several. All figures of a pass over a data set on a store come from one run, the last
 * that has it: ratios between programs hold within a run only.
 */
export class Figures {
  readonly runs: readonly Run[];
  readonly #cells = new Map<string, Run>();

  /** `isFullSize`: only of data sets at the size that goals speak of. */
  constructor(runs: readonly Run[], { isFullSize = false } = {}) {
    this.runs = runs;
    for (const run of runs) {
      const scales = new Map(run.plan.data.map(({ name, scale }) => [name, scale]));
      for (const { data, store, pass, cost } of run.measured) {
        if (cost === undefined || (isFullSize && scales.get(data) !== 1)) continue;
        this.#cells.set(`${data} ${store} ${pass}`, run);
      }
    }
  }

  /** Those that took part in any pass over the data set on the store. */
  programsOf(data: string, store: string): string[] {
    const runs = new Set(passNames.flatMap((pass) => this.#cells.get(`${data} ${store} ${pass}`) ?? []));
    const programs = [...runs].flatMap(({ plan, measured }) => {
      const taking = new Set(
        measured.filter((one) => one.data === data && one.store === store).map((one) => one.program),
      );
      return plan.programs.filter((name) => taking.has(name));
    });
    return [...new Set(programs)];
  }

  of(data: string, store: string, program: string, pass: PassName): Figure | undefined {
    const run = this.#cells.get(`${data} ${store} ${pass}`);
    const measured = (run?.measured ?? []).filter(
      (one) => one.data === data && one.store === store && one.program === program && one.pass === pass,
    );
    const costs = measured.flatMap(({ cost }) => cost ?? []);
    if (costs.length === 0) return undefined;
    const sizes = measured.flatMap(({ cost, repositoryBytes }) =>
      cost === undefined ? [] : (repositoryBytes ?? []),
    );
    return {
      wallMs: spreadOf(costs.map(({ wallMs }) => wallMs)),
      cpuMs: spreadOf(costs.map(({ userMs, systemMs }) => userMs + systemMs)),
      peakRssBytes: spreadOf(costs.map(({ peakRssBytes }) => peakRssBytes)),
      repositoryBytes: sizes.length === 0 ? undefined : spreadOf(sizes).median,
      traffic: measured.find(({ traffic }) => traffic !== undefined)?.traffic,
    };
  }

  /** Every figure of a program, wherever it was measured. */
  allOf(program: string): readonly { readonly cell: Measured; readonly figure: Figure }[] {
    const seen = new Set<string>();
    return this.runs.flatMap(({ measured }) =>
      measured.flatMap((cell) => {
        const key = [cell.data, cell.store, cell.pass].join(' ');
        if (cell.program !== program || seen.has(key)) return [];
        seen.add(key);
        const figure = this.of(cell.data, cell.store, program, cell.pass);
        return figure === undefined ? [] : [{ cell, figure }];
      }),
    );
  }

  /** Median wall time; undefined where it was not measured. */
  wallMs(data: string, store: string, program: string, pass: PassName): number | undefined {
    return this.of(data, store, program, pass)?.wallMs.median;
  }

  /**
   * Wall time without the derivation of the key, which is `open` less `start`: slow on purpose, and as slow as whoever
   * made the repository wants it.
   */
  wallWithoutKeyMs(data: string, store: string, program: string, pass: PassName): number | undefined {
    const [whole, open, start] = [pass, 'open' as const, 'start' as const].map((name) =>
      this.wallMs(data, store, program, name),
    );
    if (whole === undefined || open === undefined || start === undefined) return undefined;
    return Math.max(0, whole - (open - start));
  }
}

/** The least of those that were measured; undefined where none was. */
export function leastOf(values: readonly (number | undefined)[]): number | undefined {
  const measured = values.filter((value) => value !== undefined);
  return measured.length === 0 ? undefined : Math.min(...measured);
}

export function ratio(ours: number | undefined, theirs: number | undefined): number | undefined {
  return ours === undefined || theirs === undefined || theirs === 0 ? undefined : ours / theirs;
}
