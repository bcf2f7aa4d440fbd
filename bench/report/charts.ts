import type { PassName } from '../passes.ts';
import { barChart } from './bar-chart.ts';
import type { BarGroup } from './bar-chart.ts';
import { ratio } from './figures.ts';
import type { Figures } from './figures.ts';

export interface Chart {
  /** Of the file, without its suffix. */
  readonly name: string;
  readonly alt: string;
  readonly svg: string;
}

const passesShown = ['first', 'unchanged', 'restore'] as const satisfies readonly PassName[];
const rivals = ['tranship', 'restic', 'rustic', 'kopia', 'kopia-zstd'];

/** One chart of wall times a store, as ratios to restic, and one of memory; of what was measured. */
export function chartsOf(figures: Figures, data: readonly string[], stores: readonly string[]): Chart[] {
  const walls = stores.flatMap((store) => {
    const panels = passesShown.flatMap((pass) => {
      const groups = data.flatMap((set) => wallGroup(figures, set, store, pass));
      return groups.length === 0
        ? []
        : [{ title: `${pass} pass`.replace('restore pass', 'restore'), groups }];
    });
    if (panels.length === 0) return [];
    const alt = `Wall time as a ratio to restic, store ${store}; shorter is faster`;
    const format = (value: number): string => value.toFixed(2);
    const svg = barChart({ title: alt, panels, format, mark: { value: 1, label: 'restic' }, longest: 2 });
    return [{ name: store, alt, svg }];
  });
  return [...walls, ...memoryChart(figures, data)];
}

function programsIn(figures: Figures, data: string, store: string): string[] {
  const programs = figures.programsOf(data, store);
  return rivals.filter((name) => programs.includes(name));
}

function wallGroup(figures: Figures, data: string, store: string, pass: PassName): BarGroup[] {
  const restic = figures.wallMs(data, store, 'restic', pass);
  if (restic === undefined) return [];
  const bars = programsIn(figures, data, store)
    .filter((program) => program !== 'restic')
    .map((program) => ({
      series: program,
      value: ratio(figures.wallMs(data, store, program, pass), restic),
    }));
  return [{ label: data, bars }];
}

function memoryChart(figures: Figures, data: readonly string[]): Chart[] {
  const groups = data.flatMap((set): BarGroup[] => {
    const programs = programsIn(figures, set, 'local');
    const bars = programs.map((program) => {
      const peaks = passesShown.flatMap(
        (pass) => figures.of(set, 'local', program, pass)?.peakRssBytes.median ?? [],
      );
      return { series: program, value: peaks.length === 0 ? undefined : Math.max(...peaks) / 2 ** 20 };
    });
    return bars.length === 0 ? [] : [{ label: set, bars }];
  });
  if (groups.length === 0) return [];
  const alt = 'Peak memory of the largest pass in MiB, store local';
  const format = (value: number): string => `${value.toFixed(0)} MiB`;
  const mark = { value: 400, label: 'the limit for tranship' };
  return [
    {
      name: 'memory',
      alt,
      svg: barChart({ title: alt, panels: [{ title: '', groups }], format, mark, longest: 1000 }),
    },
  ];
}
