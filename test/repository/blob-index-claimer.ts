/**
 * Thread of blob-index.test.ts: claims the same blobs as all its like, beginning where they do not, and posts which
 * it got.
 */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import type { SharedBlobIndex } from '../../src/repository/blob-index.ts';

export interface ClaimerData {
  readonly memory: SharedBlobIndex;
  /** Counts the threads that are ready: all begin together. */
  readonly start: Int32Array;
  readonly count: number;
  readonly thread: number;
  readonly threads: number;
}

const { memory, start, count, thread, threads }: ClaimerData = workerData;
const index = BlobIndex.attach(memory);
const own = new Uint8Array(count);
Atomics.add(start, 0, 1);
while (Atomics.load(start, 0) < threads);
// All threads meet in small groups of the same blobs, in different order.
const group = 64;
for (let first = 0; first < count; first += group) {
  const size = Math.min(group, count - first);
  for (let i = 0; i < size; i++) {
    const number = first + ((i + thread * 16) % size);
    const id = createHash('sha256').update(String(number)).digest();
    if (index.claim('data', id)) own[number] = 1;
  }
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort?.postMessage(own);
