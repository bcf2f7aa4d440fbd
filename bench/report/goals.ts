/** What the project wants to reach, and what a run says about it. */
import type { PassName } from '../passes.ts';
import { leastOf, ratio } from './figures.ts';
import type { Figures } from './figures.ts';

export interface Goal {
  readonly what: string;
  readonly against: string;
  /** In words, with its unit. */
  readonly wanted: string;
  /** Undefined where it was not measured. */
  readonly reached: string | undefined;
  readonly isMet: boolean | undefined;
}

const rivals = ['rustic', 'kopia', 'kopia-zstd'];
const best = 'the best of kopia and rustic';
const near = ['local', 's3'];
const mebibyte = 2 ** 20;
const rssLimitMib = 400;
const largeIndexLimitMib = 300;

function atMost(what: string, against: string, limit: number, value: number | undefined, unit = ''): Goal {
  const digits = unit === '' ? 2 : 0;
  return {
    what,
    against,
    wanted: `<= ${limit.toFixed(digits)}${unit}`,
    reached: value === undefined ? undefined : `${value.toFixed(digits)}${unit}`,
    isMet: value === undefined ? undefined : value <= limit,
  };
}

export function goalsOf(figures: Figures): Goal[] {
  return [
    ...['big', 'one'].flatMap((data) => firstPass(figures, data, 0.4, 0.8)),
    ...['source', 'small'].flatMap((data) => firstPass(figures, data, 0.5, 0.9)),
    ...['source', 'small', 'wide'].flatMap((data) => unchangedPass(figures, data)),
    ...['big', 'source'].flatMap((data) =>
      near.flatMap((store) => wallGoals(figures, data, store, 'restore', 0.5, 0.8)),
    ),
    ...['big', 'source'].flatMap((data) =>
      (['first', 'restore'] as const).flatMap((pass) => wallGoals(figures, data, 's3-100ms', pass, 0.6, 0.9)),
    ),
    ...memoryGoals(figures),
    repositorySize(figures),
    rawLimit(figures),
  ];
}

function wallGoals(
  figures: Figures,
  data: string,
  store: string,
  pass: PassName,
  restic: number,
  others: number,
): Goal[] {
  const ours = figures.wallMs(data, store, 'tranship', pass);
  const what = `${pass}, \`${data}\`, ${store}, wall`;
  const rival = leastOf(rivals.map((program) => figures.wallMs(data, store, program, pass)));
  return [
    atMost(what, 'restic', restic, ratio(ours, figures.wallMs(data, store, 'restic', pass))),
    atMost(what, best, others, ratio(ours, rival)),
  ];
}

function firstPass(figures: Figures, data: string, restic: number, others: number): Goal[] {
  return near.flatMap((store) => {
    const [wall, rival] = wallGoals(figures, data, store, 'first', restic, others);
    const cpuOf = (program: string): number | undefined =>
      figures.of(data, store, program, 'first')?.cpuMs.median;
    const cpu = atMost(
      `first, \`${data}\`, ${store}, CPU`,
      'restic',
      restic,
      ratio(cpuOf('tranship'), cpuOf('restic')),
    );
    return [wall, cpu, rival].filter((goal) => goal !== undefined);
  });
}

/** Key derivation does not count, for nobody. */
function unchangedPass(figures: Figures, data: string): Goal[] {
  return near.flatMap((store) => {
    const wallOf = (program: string): number | undefined =>
      figures.wallWithoutKeyMs(data, store, program, 'unchanged');
    const ours = wallOf('tranship');
    const what = `unchanged, \`${data}\`, ${store}, wall without key`;
    const goals = [
      atMost(what, 'restic', 0.25, ratio(ours, wallOf('restic'))),
      atMost(what, best, 0.7, ratio(ours, leastOf(rivals.map(wallOf)))),
    ];
    const limit = figures.wallMs(data, store, 'find', 'unchanged');
    const physical = atMost(what, '`find` and llistxattr', 2.5, ratio(ours, limit));
    return store === 'local' ? [...goals, physical] : goals;
  });
}

function memoryGoals(figures: Figures): Goal[] {
  const peakOf = (program: string): number | undefined => {
    const all = figures.allOf(program).filter(({ cell }) => cell.data === 'wide');
    return all.length === 0 ? undefined : Math.max(...all.map(({ figure }) => figure.peakRssBytes.median));
  };
  const own = figures.allOf('tranship').map(({ figure }) => figure.peakRssBytes.median);
  const largest = own.length === 0 ? undefined : Math.max(...own) / mebibyte;
  const million = indexOf(figures, 1e6);
  const ten = million('tranship', 1e7);
  const extra = ten === undefined ? undefined : (ten.peak - ten.indexBytes) / mebibyte;
  return [
    atMost('peak memory, `wide`, largest pass', 'restic', 1, ratio(peakOf('tranship'), peakOf('restic'))),
    atMost(
      'peak memory, small pass, a million blobs',
      'restic',
      1,
      ratio(million('tranship')?.peak, million('restic')?.peak),
    ),
    atMost('peak memory, every pass', '', rssLimitMib, largest, ' MiB'),
    atMost('peak memory less index files, 10 million blobs', '', largeIndexLimitMib, extra, ' MiB'),
  ];
}

function indexOf(figures: Figures, usual: number) {
  return (
    program: string,
    blobs = usual,
  ): { readonly peak: number; readonly indexBytes: number } | undefined => {
    const found = figures.runs
      .flatMap(({ index = [] }) => index)
      .findLast((one) => one.program === program && one.blobs === blobs);
    if (found === undefined) return undefined;
    return {
      peak: Math.max(...found.costs.map(({ peakRssBytes }) => peakRssBytes)),
      indexBytes: found.indexBytes,
    };
  };
}

function repositorySize(figures: Figures): Goal {
  const sizeOf = (program: string): number | undefined =>
    leastOf(['local', 's3'].map((store) => figures.of('versions', store, program, 'first')?.repositoryBytes));
  return atMost('repository size, `versions`', 'restic', 1.03, ratio(sizeOf('tranship'), sizeOf('restic')));
}

function rawLimit(figures: Figures): Goal {
  const raw = leastOf(['sdk', 'rclone'].map((program) => figures.wallMs('big', 's3', program, 'first')));
  const share = ratio(raw, figures.wallMs('big', 's3', 'tranship', 'first'));
  return {
    what: 'first, `big`, s3, speed',
    against: 'the faster raw parallel PUT',
    wanted: '>= 70 %',
    reached: share === undefined ? undefined : `${(share * 100).toFixed(0)} %`,
    isMet: share === undefined ? undefined : share >= 0.7,
  };
}
