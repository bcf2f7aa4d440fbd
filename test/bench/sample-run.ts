import type { PassName } from '../../bench/passes.ts';
import type { Measured, Run } from '../../bench/support/run-file.ts';

/** A run of two rounds in which every pass takes a given number of seconds, plus and minus a tenth. */
export function sampleRun(
  seconds: Readonly<Record<string, number>>,
  { scale = 1, engine = 'one' }: { readonly scale?: number; readonly engine?: string } = {},
): Run {
  const measured = Object.entries(seconds).flatMap(([key, value]): Measured[] => {
    const [data = '', store = '', program = '', pass = ''] = key.split(' ');
    return [0.9, 1.1].map((factor, round) => ({
      data,
      store,
      program,
      // Keys of the tests name passes.
      pass: pass as PassName,
      round,
      cost: {
        exitCode: 0,
        wallMs: value * 1000 * factor,
        userMs: value * 900,
        systemMs: value * 100,
        peakRssBytes: 100 * 2 ** 20,
      },
      repositoryBytes: 1000,
    }));
  });
  const unique = (values: readonly string[]): string[] => [...new Set(values)];
  const programs = unique(measured.map(({ program }) => program));
  const data = unique(measured.map((one) => one.data));
  return {
    format: 1,
    started: '2026-01-02T03:04:05.000Z',
    finished: '2026-01-02T04:04:05.000Z',
    machine: '2 x processor, Linux',
    commit: 'abcdef',
    engine,
    plan: {
      data: data.map((name) => ({ name, scale })),
      stores: unique(measured.map(({ store }) => store)),
      programs,
      passes: unique(measured.map(({ pass }) => pass)) as PassName[],
      rounds: 2,
      countsTraffic: false,
    },
    versions: Object.fromEntries(programs.map((name) => [name, `${name} 1.2.3`])),
    abouts: Object.fromEntries(programs.map((name) => [name, `how ${name} runs`])),
    skipped: {},
    counts: Object.fromEntries(data.map((name) => [name, { files: 1, folders: 0, bytes: 2 ** 20 }])),
    turns: [],
    measured,
  };
}
