import Benchmark from 'benchmark';

export interface Case {
  readonly name: string;
  readonly work: () => void;
  /** What one call goes through; speed is told in MB/s. */
  readonly bytes?: number;
  /** What one call goes through; speed is told in items a second. */
  readonly items?: number;
}

const minimumSeconds = 0.3;

/** Runs each case until its mean is steady, and prints a line for each: speed, time of a call, margin of error. */
export function runCases(title: string, cases: readonly Case[]): void {
  console.log(`${title}:`);
  const suite = new Benchmark.Suite();
  for (const { name, work } of cases) suite.add(name, work, { minTime: minimumSeconds, maxTime: 2 });
  suite.on('cycle', (event: Benchmark.Event) => {
    const found = cases.find(({ name }) => name === event.target.name);
    if (found !== undefined) console.log(`  ${lineOf(found, event.target)}`);
  });
  suite.run();
}

function lineOf({ name, bytes, items = 1 }: Case, target: Benchmark.Target): string {
  // The declarations leave out where a case that threw keeps its reason.
  if ('error' in target && target.error instanceof Error) throw target.error;
  const { hz = 0, stats } = target;
  const speed =
    bytes === undefined
      ? `${Math.round(items * hz).toLocaleString('en')} /s`
      : `${((bytes * hz) / 1e6).toFixed(0)} MB/s`;
  const each = `${(1e6 / hz).toFixed(1)} us`;
  return `${name.padEnd(44)}${speed.padStart(16)}${each.padStart(14)}  +-${(stats?.rme ?? 0).toFixed(1)} %`;
}

/** 1 KiB, 1.5 MiB: for the names of cases. */
export function sizeName(sizeBytes: number): string {
  return sizeBytes < 2 ** 20 ? `${sizeBytes / 1024} KiB` : `${sizeBytes / 2 ** 20} MiB`;
}
