import type { TransportedError } from '../../base/error-transport.ts';
import type { StoredFile, StoreFileResult } from './protocol.ts';

/**
 * What became of the files of one job, as few values: sent as an object a file, it cost as much as reading and hashing
 * the files.
 */
export interface StoredBatch {
  /** The text of each file's node, a line each; JSON text has no line break. Empty where the file failed. */
  readonly nodes: string;
  /** Bytes that were read and added, two numbers a file. */
  readonly bytes: Float64Array;
  /** Files that changed while they were read, by their place in the job. */
  readonly changed: readonly number[];
  readonly failures: readonly { readonly place: number; readonly error: TransportedError }[];
  /** Blobs of these files that were there already. */
  readonly known: readonly string[];
}

export function batchOf(results: readonly StoreFileResult[]): StoredBatch {
  const nodes: string[] = [];
  const bytes = new Float64Array(results.length * 2);
  const changed: number[] = [];
  const failures: { place: number; error: TransportedError }[] = [];
  const known: string[] = [];
  for (const [place, result] of results.entries()) {
    if (result.outcome === 'failed') {
      failures.push({ place, error: result.error });
      nodes.push('');
      continue;
    }
    const { file } = result;
    nodes.push(file.node);
    bytes[place * 2] = file.sizeBytes;
    bytes[place * 2 + 1] = file.addedBytes;
    if (file.changedWhileRead) changed.push(place);
    for (const id of file.known) known.push(id);
  }
  return { nodes: nodes.join('\n'), bytes, changed, failures, known };
}

/** The results that a batch was made of; the first one stored tells of the known blobs of all. */
export function resultsOf(batch: StoredBatch): StoreFileResult[] {
  const { bytes, failures } = batch;
  const failed = new Map(failures.map(({ place, error }) => [place, error]));
  const changed = new Set(batch.changed);
  let { known } = batch;
  return batch.nodes.split('\n').map((node, place) => {
    const error = failed.get(place);
    if (error !== undefined) return { outcome: 'failed', error };
    const file: StoredFile = {
      node,
      known,
      sizeBytes: bytes[place * 2] ?? 0,
      addedBytes: bytes[place * 2 + 1] ?? 0,
      changedWhileRead: changed.has(place),
    };
    known = [];
    return { outcome: 'stored', file };
  });
}
