/**
 * A thread that turns folders and files into links to the outside and back, as fast as it can, until it is told to
 * stop.
 */
import { existsSync, lstatSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

export interface SwapperData {
  /** What is swapped, with the place outside that the link then points to. */
  readonly swaps: readonly { readonly path: string; readonly outside: string }[];
  /** Not 0 at index 0 ends the thread; index 1 counts swaps. */
  readonly flags: Int32Array;
}

const { swaps, flags }: SwapperData = workerData;

function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // The pass under attack was faster this time.
  }
}

while (Atomics.load(flags, 0) === 0) {
  for (const { path, outside } of swaps) {
    const aside = `${path}.aside`;
    attempt(() => renameSync(path, aside));
    attempt(() => symlinkSync(outside, path));
    for (let spin = 0; spin < 2000; spin++) Atomics.load(flags, 0);
    attempt(() => {
      if (lstatSync(path).isSymbolicLink()) unlinkSync(path);
    });
    attempt(() => {
      if (!existsSync(path)) renameSync(aside, path);
    });
    Atomics.add(flags, 1, 1);
  }
}
