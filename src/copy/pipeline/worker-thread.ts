import { Worker } from 'node:worker_threads';

/**
 * What a worker makes is short-lived: a young generation that V8 lets grow as it likes took 80 MiB a thread in a pass
 * over 200,000 small files, and no less time.
 */
const youngGenerationMb = 6;

let spare: Worker | undefined;

/**
 * Has a thread come up for the next pool of this process, of which it is the first. For whoever knows that there will
 * be one soon and waits for something else first: starting takes 100 to 250 ms of processor time. A thread that nobody
 * takes does not keep the process alive.
 */
export function startSpareThread(): void {
  if (spare !== undefined) return;
  const thread = startThread();
  thread.unref();
  // Whoever needs a thread then starts one, and is told what is wrong.
  const forget = (): void => {
    if (spare === thread) spare = undefined;
  };
  thread.once('error', forget);
  thread.once('exit', forget);
  spare = thread;
}

/** A thread that waits for what it is to work with; it may be up already. */
export function takeThread(): Worker {
  const thread = spare;
  if (thread === undefined) return startThread();
  spare = undefined;
  thread.ref();
  return thread;
}

function startThread(): Worker {
  return new Worker(new URL('./worker.ts', import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
  });
}
