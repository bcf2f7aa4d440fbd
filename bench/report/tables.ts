import { passNames } from '../passes.ts';
import type { PassName } from '../passes.ts';
import { ratio } from './figures.ts';
import type { Figure, Figures, Spread } from './figures.ts';
import type { Goal } from './goals.ts';

const mebibyte = 2 ** 20;

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = line(head.map((_, index) => (index === 0 ? '---' : '--:')));
  return [line(head), rule, ...rows.map(line)].join('\n');
}

export function goalsTable(goals: readonly Goal[]): string {
  const rows = goals.map(({ what, against, wanted, reached, isMet }) => [
    what,
    against,
    wanted,
    reached ?? 'not measured',
    isMet === undefined ? '' : isMet ? 'yes' : '**no**',
  ]);
  return table(['goal', 'against', 'wanted', 'reached', 'met'], rows);
}

type Column = (figure: Figure, restic: Figure | undefined) => string;

/** Time with the ratio to restic, and beside it the extremes where there were several rounds. */
const wall: Column = ({ wallMs }, restic) =>
  spreadText(wallMs) + ratioText(wallMs.median, restic?.wallMs.median);
const cpu: Column = ({ cpuMs }, restic) =>
  seconds(cpuMs.median) + ratioText(cpuMs.median, restic?.cpuMs.median);
const memory: Column = ({ peakRssBytes }, restic) =>
  (peakRssBytes.median / mebibyte).toFixed(0) + ratioText(peakRssBytes.median, restic?.peakRssBytes.median);
const size: Column = ({ repositoryBytes }, restic) =>
  repositoryBytes === undefined
    ? ''
    : (repositoryBytes / mebibyte).toFixed(1) + ratioText(repositoryBytes, restic?.repositoryBytes);
const traffic: Column = ({ traffic: counted }) => {
  if (counted === undefined) return '';
  const [up, down] = [counted.bytesUp, counted.bytesDown].map((bytes) => (bytes / mebibyte).toFixed(1));
  return `${counted.requests}, ${up} up, ${down} down`;
};

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function spreadText({ median, least, most, count }: Spread): string {
  return count < 2 ? seconds(median) : `${seconds(median)} [${seconds(least)}-${seconds(most)}]`;
}

function ratioText(ours: number, theirs: number | undefined): string {
  const value = ratio(ours, theirs);
  return value === undefined ? '' : ` (${value.toFixed(2)})`;
}

/** The tables of one cell: wall times in sight, the rest folded. Empty where nothing was measured. */
export function cellTables(figures: Figures, data: string, store: string): string {
  const programs = figures.programsOf(data, store);
  if (programs.length === 0) return '';
  const limits = programs.filter((name) => !passesOf(figures, data, store, name).includes('open'));
  const rivals = programs.filter((name) => !limits.includes(name));
  const grid = (columns: readonly string[], cell: Column, shown: readonly PassName[]): string => {
    const rows = shown.flatMap((pass) => {
      const restic = figures.of(data, store, 'restic', pass);
      const texts = columns.map((program) => {
        const figure = figures.of(data, store, program, pass);
        return figure === undefined ? '' : cell(figure, program === 'restic' ? undefined : restic);
      });
      return texts.every((text) => text === '') ? [] : [[pass, ...texts]];
    });
    return rows.length === 0 ? '' : table(['pass', ...columns], rows);
  };
  const folded = [
    ['CPU, s', grid(programs, cpu, passNames)],
    ['Peak memory, MiB', grid(programs, memory, passNames)],
    ['Repository after the pass, MiB', grid(rivals, size, passNames)],
    ['Requests, and MiB of bodies', grid(programs, traffic, passNames)],
  ].filter(([, text]) => text !== '');
  return [
    `#### \`${data}\`, ${store}`,
    'Wall time, s:',
    grid(programs, wall, passNames),
    '<details><summary>CPU, memory, size, traffic</summary>',
    ...folded.flatMap(([title = '', text = '']) => [`${title}:`, text]),
    '</details>',
  ].join('\n\n');
}

function passesOf(figures: Figures, data: string, store: string, program: string): PassName[] {
  return passNames.filter((pass) => figures.of(data, store, program, pass) !== undefined);
}
