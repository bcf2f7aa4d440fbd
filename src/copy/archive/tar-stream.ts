import { printableName } from '../../base/byte-name.ts';
import { RepositoryError } from '../../base/errors.ts';
import { TimeSlice } from '../../base/time-slice.ts';
import { readAhead } from '../../repository/blob-read-ahead.ts';
import type { ReadingItem } from '../../repository/blob-read-ahead.ts';
import { chunksOf } from '../../repository/file-content.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { Repository } from '../../repository/repository.ts';
import { listTree } from '../../repository/tree-listing.ts';
import { TreeLoader } from '../../repository/tree-loader.ts';
import { TarEntries } from './tar-entry.ts';
import { encodeTarHeader, tarEndBytes, tarPaddingBytes } from './tar-header.ts';

/** Small pieces are put together to this size: headers of small files are not worth a write each. */
const gatherBytes = 256 * 1024;

export interface TarOptions {
  readonly repository: Repository;
  readonly index: LoadedIndex;
  /** The tree whose entries the archive holds. */
  readonly tree: string;
  /** What stands before their names, without a slash at either end; empty for nothing. */
  readonly prefix: Uint8Array;
  /** Called with the path and the reason of each item that the archive lacks. */
  readonly onWarning: (path: Uint8Array, message: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of the archive that belong to an entry. */
interface Framing {
  readonly bytes: Buffer;
  readonly path: Uint8Array;
}

/**
 * All below a tree as a tar archive in the pax format, folders before what they hold. What is read, headers with their
 * attributes too, runs ahead of what is taken by a bounded number of bytes. An error ends the archive half-way,
 * without its end mark.
 */
export async function* tarStream(options: TarOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { repository, index, signal } = options;
  let parts: Buffer[] = [];
  let bytes = 0;
  let path: Uint8Array = new Uint8Array(0);
  try {
    for await (const item of readAhead(repository, index, tarItems(options), signal)) {
      if ('mark' in item) ({ path } = item.mark);
      const part = 'mark' in item ? item.mark.bytes : item.data;
      parts.push(part);
      bytes += part.length;
      if (bytes < gatherBytes) continue;
      yield parts.length === 1 ? part : Buffer.concat(parts);
      parts = [];
      bytes = 0;
    }
  } catch (error) {
    throw atPath(error, path);
  }
  yield Buffer.concat([...parts, Buffer.alloc(tarEndBytes)]);
}

async function* tarItems(options: TarOptions): AsyncGenerator<ReadingItem<Framing>, void, undefined> {
  const { repository, index, tree, prefix, onWarning, signal } = options;
  const trees = new TreeLoader(repository, index, signal);
  const entries = new TarEntries();
  const root = prefix.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from('/'), prefix]);
  const slice = new TimeSlice(() => repository.clock.monotonicMs(), signal);
  for await (const { path: absolute, node } of listTree(trees, tree, root, true, slice)) {
    const path = absolute.subarray(1);
    const entry = entries.entryOf(node, path, sizeOf(index, node, path));
    if (entry === undefined) {
      onWarning(absolute, `a node of type ${node.type} is left out: an archive cannot hold it`);
      continue;
    }
    if (node.type === 'dir' && node.subtree === undefined) onWarning(absolute, 'the folder has no tree');
    yield framing(encodeTarHeader(entry), path);
    if (entry.type !== 'file') continue;
    for (const blob of node.content ?? []) yield { blob };
    yield framing(Buffer.alloc(tarPaddingBytes(entry.sizeBytes)), path);
  }
}

function framing(bytes: Buffer, path: Uint8Array): ReadingItem<Framing> {
  return { mark: { bytes, path }, sizeBytes: bytes.length + path.length };
}

function sizeOf(index: LoadedIndex, node: TreeNode, path: Uint8Array): number {
  try {
    return node.type === 'file' ? chunksOf(index, node).sizeBytes : 0;
  } catch (error) {
    throw atPath(error, path);
  }
}

/** Says which file a damage concerns; what says so already is left as it is. */
function atPath(error: unknown, path: Uint8Array): unknown {
  if (!(error instanceof RepositoryError) || error.where?.startsWith('/') === true) return error;
  const { code, what, where, advice } = error;
  const place = `/${printableName(path)}`;
  return new RepositoryError(code, what, {
    where: where === undefined ? place : `${place}, ${where}`,
    ...(advice === undefined ? {} : { advice }),
    cause: error,
  });
}
