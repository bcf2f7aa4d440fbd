/** docs/performance.md: parts between markers are generated, everything else is written by hand and kept. */
import { passes } from '../passes.ts';
import type { Run } from '../support/run-file.ts';
import type { Chart } from './charts.ts';
import { chartsOf } from './charts.ts';
import { Figures } from './figures.ts';
import { goalsOf } from './goals.ts';
import { cellTables, goalsTable, table } from './tables.ts';

interface Named {
  readonly name: string;
  readonly about: string;
}

export interface Report {
  /** Generated parts by the name in their marker. */
  readonly parts: ReadonlyMap<string, string>;
  readonly charts: readonly Chart[];
}

/** `data` and `stores` are all that there are, in the order in which the page shows them. */
export function reportOf(runs: readonly Run[], data: readonly Named[], stores: readonly Named[]): Report {
  const figures = new Figures(runs);
  const [sets, places] = [data.map(({ name }) => name), stores.map(({ name }) => name)];
  const charts = chartsOf(figures, sets, places);
  const images = charts.map(({ name, alt }) => `![${alt}](performance/${name}.svg)`);
  const cells = sets.flatMap((set) => places.map((place) => cellTables(figures, set, place)));
  const parts = new Map([
    ['run', runText(runs)],
    ['goals', goalsTable(goalsOf(new Figures(runs, { isFullSize: true })))],
    ['charts', images.join('\n\n')],
    ['method', methodText(runs, data, stores)],
    ['index', indexTable(runs)],
    ['small-pass', smallPass(figures)],
    ['figures', cells.filter(Boolean).join('\n\n')],
  ]);
  return { parts, charts };
}

function runText(runs: readonly Run[]): string {
  const lines = runs.map((run) => {
    const { started, finished, machine, commit, versions, plan, turns, skipped } = run;
    const failed = turns.filter(({ failure }) => failure !== undefined).map(({ turn }) => turn);
    return [
      `- ${started.slice(0, 10)}, commit ${commit}, ${machine}; ${plan.rounds} rounds;`,
      [...new Set(Object.values(versions))].filter((text) => /\d/.test(text)).join(', '),
      ...(finished === undefined ? ['(unfinished)'] : []),
      ...(failed.length === 0 ? [] : [`(failed: ${failed.join('; ')})`]),
      ...Object.entries(skipped).map(([name, reason]) => `(without ${name}: ${reason})`),
    ].join(' ');
  });
  return [
    ...lines,
    '',
    'The figures of a pass come from one run; what else the machine did then had the least priority: ' +
      'read the ratios, not the seconds.',
    'In round brackets is the ratio to restic in the same cell, in square ones the least and the most of the rounds.',
  ].join('\n');
}

function methodText(runs: readonly Run[], data: readonly Named[], stores: readonly Named[]): string {
  const abouts = new Map(runs.flatMap((run) => Object.entries(run.abouts)));
  const counted = data.map(({ name, about }) => {
    const run = runs.findLast(({ counts }) => counts[name] !== undefined);
    const count = run?.counts[name];
    const scale = run?.plan.data.find((one) => one.name === name)?.scale ?? 1;
    const size =
      count === undefined
        ? 'not measured'
        : `${count.files} files, ${count.folders} folders, ${(count.bytes / 2 ** 20).toFixed(0)} MiB`;
    return [`\`${name}\``, about, scale === 1 ? size : `${size} (scale ${scale})`];
  });
  const rows = (named: Iterable<readonly [string, string]>): string[][] =>
    Array.from(named, ([name, about]) => [`\`${name}\``, about]);
  return [
    table(['data', 'what', 'measured'], counted),
    table(['store', 'what'], rows(stores.map(({ name, about }) => [name, about] as const))),
    table(['pass', 'what'], rows(passes.map(({ name, about }) => [name, about] as const))),
    table(['program', 'how'], rows(abouts)),
  ].join('\n\n');
}

function indexTable(runs: readonly Run[]): string {
  const rows = runs
    .flatMap(({ index = [] }) => index)
    .map(({ program, blobs, indexBytes, costs }) => [
      program,
      blobs.toLocaleString('en'),
      (indexBytes / 2 ** 20).toFixed(0),
      (Math.min(...costs.map(({ wallMs }) => wallMs)) / 1000).toFixed(2),
      (Math.max(...costs.map(({ peakRssBytes }) => peakRssBytes)) / 2 ** 20).toFixed(0),
    ]);
  if (rows.length === 0) return 'Not measured.';
  return table(['program', 'blobs', 'index files, MiB', 'least wall, s', 'peak memory, MiB'], rows);
}

/** What a pass of a hundred files costs beyond opening the repository. */
function smallPass(figures: Figures): string {
  const rows = ['tranship', 'restic', 'rustic', 'kopia', 'kopia-zstd'].flatMap((program) => {
    const whole = figures.wallMs('few', 'local', program, 'first');
    const open = figures.wallMs('few', 'local', program, 'open');
    if (whole === undefined || open === undefined) return [];
    const texts = [whole, open, whole - open].map((ms) => (ms / 1000).toFixed(2));
    return [[program, ...texts]];
  });
  if (rows.length === 0) return 'Not measured.';
  return table(['program', 'first pass of `few`, s', '`open`, s', 'difference, s'], rows);
}

function opening(name: string): string {
  return `<!-- generated ${name} -->`;
}

const closing = '<!-- /generated -->';

/** Puts the parts between their markers. Throws for a part that the page has no place for. */
export function fillPage(page: string, parts: ReadonlyMap<string, string>): string {
  let filled = page;
  for (const [name, text] of parts) {
    const start = filled.indexOf(opening(name));
    const end = filled.indexOf(closing, start);
    if (start === -1 || end === -1)
      throw new Error(`the page has no place for "${name}": ${opening(name)} ${closing}`);
    filled = `${filled.slice(0, start)}${opening(name)}\n\n${text}\n\n${filled.slice(end)}`;
  }
  return filled;
}
