import { allSettled } from './all-settled.ts';
import type { ExpectedChunk } from './protocol.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Bytes of a file that one job compares, so that several workers share a large one. */
const jobBytes = 64 * 2 ** 20;

/** Compares an open file with the chunks that it should hold; returns the places of those that differ. */
export async function compareChunks(
  pool: WorkerPool,
  fd: number,
  chunks: readonly ExpectedChunk[],
  onBytes: (sizeBytes: number) => void = () => {},
): Promise<Set<number>> {
  const jobs: Promise<readonly number[]>[] = [];
  for (let first = 0, position = 0; first < chunks.length;) {
    const section = takeSection(chunks, first);
    const sizeBytes = section.reduce((sum, chunk) => sum + chunk.lengthBytes, 0);
    const start = first;
    const job = pool.run('compare-chunks', { fd, position, chunks: section }).then((answer) => {
      onBytes(sizeBytes);
      return answer.different.map((place) => start + place);
    });
    jobs.push(job);
    position += sizeBytes;
    first += section.length;
  }
  return new Set((await allSettled(jobs)).flat());
}

function takeSection(chunks: readonly ExpectedChunk[], first: number): ExpectedChunk[] {
  const section: ExpectedChunk[] = [];
  let sizeBytes = 0;
  for (let i = first; i < chunks.length && sizeBytes < jobBytes; i++) {
    const chunk = chunks[i];
    if (chunk === undefined) break;
    section.push(chunk);
    sizeBytes += chunk.lengthBytes;
  }
  return section;
}
