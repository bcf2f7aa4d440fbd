import { RepositoryError } from '../base/errors.ts';
import { readAhead } from './blob-read-ahead.ts';
import { plaintextBytes } from './blob-index.ts';
import { missingBlob } from './blob-reader.ts';
import type { TreeNode } from './format/tree-node.ts';
import type { LoadedIndex } from './loaded-index.ts';
import type { Repository } from './repository.ts';

export interface FileChunks {
  /** Rows of the blob index, in order. */
  readonly rows: Uint32Array;
  readonly sizeBytes: number;
}

/** The chunks of a file. Throws RepositoryError `corrupt` when the index lacks one, or they are not the file's size. */
export function chunksOf(index: LoadedIndex, node: TreeNode): FileChunks {
  const content = node.content ?? [];
  const rows = new Uint32Array(content.length);
  let sizeBytes = 0;
  for (const [i, id] of content.entries()) {
    const row = index.blobs.rowOf('data', id);
    const location = row < 0 ? undefined : index.blobs.locationAt(row);
    if (location === undefined) throw missingBlob('data', id);
    rows[i] = row;
    sizeBytes += plaintextBytes(location);
  }
  if (node.size !== undefined && node.size !== sizeBytes) {
    throw new RepositoryError('corrupt', `the file claims ${node.size} bytes, its blobs hold ${sizeBytes}`);
  }
  return { rows, sizeBytes };
}

/** A file's bytes, a blob at a time, with a bounded number of bytes fetched ahead. Throws as {@link chunksOf}. */
export async function* readFileContent(
  repository: Repository,
  index: LoadedIndex,
  node: TreeNode,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  chunksOf(index, node);
  const blobs = (node.content ?? []).map((blob) => ({ blob }));
  for await (const item of readAhead<never>(repository, index, blobs, signal)) {
    if ('data' in item) yield item.data;
  }
}
