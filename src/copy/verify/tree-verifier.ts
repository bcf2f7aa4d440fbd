import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { FileSystemError, asError, throwIfAborted } from '../../base/errors.ts';
import {
  close,
  contentBytes,
  openDirectoryAt,
  openFileAt,
  openPathAt,
  readDirectory,
  statAtIfPresent,
} from '../../base/file-system.ts';
import type { FileStatus } from '../../base/file-system.ts';
import { plaintextBytes } from '../../repository/blob-index.ts';
import { missingBlob } from '../../repository/blob-reader.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { TreeLoader } from '../../repository/tree-loader.ts';
import { compareChunks } from '../pipeline/chunk-comparison.ts';
import type { ExpectedChunk } from '../pipeline/protocol.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { PathSelection } from '../source/path-selection.ts';
import { nodeTypeOf } from '../source/source-node.ts';
import { HeldFolders } from './held-folders.ts';
import { compareMetadata } from './metadata-difference.ts';
import { SmallFiles } from './small-files.ts';
import type { SmallFile, SmallFileOutcome } from './small-files.ts';
import type { Difference, VerifyCounts, VerifyEvent } from './verify-events.ts';

const sliceMs = 8;
const statusIntervalMs = 100;
/** Files, or jobs of small ones, whose contents are being compared, a worker. */
const comparedPerWorker = 4;
/** Larger files are shared among the workers. */
const mostSmallBytes = 8 * 2 ** 20;
const mostSmallChunks = 256;

export interface TreeVerifierOptions {
  readonly index: LoadedIndex;
  readonly trees: TreeLoader;
  readonly pool: WorkerPool;
  readonly targetFd: number;
  readonly selection: PathSelection;
  readonly depth: 'metadata' | 'data';
  readonly extras: boolean;
  /** A block device where a file belongs is compared by its bytes. */
  readonly image: boolean;
  readonly report: (event: VerifyEvent) => void;
  readonly monotonicMs: () => number;
  readonly signal: AbortSignal | undefined;
}

interface Frame {
  readonly fd: number;
  readonly nodes: readonly TreeNode[];
  readonly path: Buffer;
  next: number;
}

const slash = Buffer.from('/');

/** Walks a snapshot and a folder side by side. */
export class TreeVerifier {
  readonly #options: TreeVerifierOptions;
  readonly #counts: VerifyCounts = { files: 0, directories: 0, others: 0, bytesCompared: 0, differences: 0 };
  readonly #comparing = new Set<Promise<void>>();
  readonly #openFiles = new Set<number>();
  readonly #folders = new HeldFolders();
  readonly #smallFiles: SmallFiles;
  readonly #startedMs: number;
  /** The target's inode for each of the snapshot's with several links, and the other way round. */
  readonly #linked = new Map<string, string>();
  #failure: Error | undefined;
  #sliceStartMs: number;
  #lastStatusMs = 0;

  constructor(options: TreeVerifierOptions) {
    this.#options = options;
    this.#smallFiles = new SmallFiles({
      pool: options.pool,
      folders: this.#folders,
      onCompared: (file, outcome) => this.#reportSmallFile(file, outcome),
    });
    this.#startedMs = options.monotonicMs();
    this.#sliceStartMs = this.#startedMs;
  }

  /** `node` is what the target itself stands for; undefined for the root of a snapshot. */
  async verify(rootTree: string, node: TreeNode | undefined): Promise<VerifyCounts> {
    const { trees, targetFd } = this.#options;
    if (node !== undefined && node.type !== 'dir') {
      await this.#walk({ fd: targetFd, nodes: [node], path: Buffer.alloc(0), next: 0 }, false);
    } else {
      if (node !== undefined) this.#compareOpen(targetFd, node, slash);
      const { nodes } = await trees.load(node?.subtree ?? rootTree);
      await this.#walk({ fd: targetFd, nodes, path: Buffer.alloc(0), next: 0 }, this.#options.extras);
    }
    await this.#compareInTurn(this.#smallFiles.flush());
    await Promise.all(this.#comparing);
    if (this.#failure !== undefined) throw this.#failure;
    return this.#counts;
  }

  /** Must be called after the pool was closed: a worker may still read from a descriptor. */
  close(): void {
    for (const fd of this.#openFiles) close(fd);
    this.#openFiles.clear();
    this.#folders.close();
  }

  async #walk(root: Frame, extras: boolean): Promise<void> {
    const stack = [root];
    try {
      for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
        const node = frame.nodes[frame.next++];
        if (node === undefined) {
          if (extras) this.#reportExtras(frame);
          stack.pop();
          if (frame !== root) this.#folders.leave(frame.fd);
        } else {
          const child = await this.#verifyEntry(frame, node);
          if (child !== undefined) stack.push(child);
        }
        if (this.#options.monotonicMs() - this.#sliceStartMs >= sliceMs) await this.#pause();
      }
    } finally {
      for (const frame of stack) if (frame !== root) this.#folders.leave(frame.fd);
    }
  }

  async #pause(): Promise<void> {
    await yieldToEvents();
    throwIfAborted(this.#options.signal);
    if (this.#failure !== undefined) throw this.#failure;
    this.#sliceStartMs = this.#options.monotonicMs();
    if (this.#sliceStartMs - this.#lastStatusMs < statusIntervalMs) return;
    this.#lastStatusMs = this.#sliceStartMs;
    this.#options.report({
      type: 'status',
      counts: this.#counts,
      elapsedMs: this.#sliceStartMs - this.#startedMs,
    });
  }

  async #verifyEntry(frame: Frame, node: TreeNode): Promise<Frame | undefined> {
    const path = Buffer.concat([frame.path, slash, node.name]);
    const { selection } = this.#options;
    const isSelected = selection.selects(path);
    if (!isSelected && (node.type !== 'dir' || !selection.mayBeBelow(path))) return undefined;
    if (node.type === 'socket' || node.type === 'irregular') return undefined;
    try {
      return await this.#compareEntry(frame.fd, node, path, isSelected);
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      this.#differ({ path, kind: 'unreadable', expected: 'a readable entry', found: error.message });
      return undefined;
    }
  }

  async #compareEntry(
    fd: number,
    node: TreeNode,
    path: Buffer,
    isSelected: boolean,
  ): Promise<Frame | undefined> {
    const status = statAtIfPresent(fd, node.name);
    if (status === undefined) {
      if (isSelected) this.#differ({ path, kind: 'missing', expected: `a ${node.type}`, found: 'nothing' });
      return undefined;
    }
    if (this.#options.image && status.type === 'block-device') {
      this.#counts.files++;
      await this.#compareFile(fd, node, path, deviceSizeBytes(fd, node.name), true);
      return undefined;
    }
    const type = nodeTypeOf(status);
    if (type !== node.type) {
      this.#differ({ path, kind: 'type', expected: node.type, found: type });
      return undefined;
    }
    if (isSelected) this.#compareMetadataAt(fd, node, path, status);
    if (node.type === 'file') await this.#compareFile(fd, node, path, status.sizeBytes);
    if (node.type !== 'dir') return undefined;
    const { nodes } =
      node.subtree === undefined ? { nodes: [] } : await this.#options.trees.load(node.subtree);
    return { fd: openDirectoryAt(fd, node.name), nodes, path, next: 0 };
  }

  #compareMetadataAt(directoryFd: number, node: TreeNode, path: Buffer, status: FileStatus): void {
    const fd = openPathAt(directoryFd, node.name);
    try {
      this.#compareOpen(fd, node, path);
    } finally {
      close(fd);
    }
    const isLinked = (node.links ?? 1) > 1;
    if (node.type === 'file' && (isLinked || status.links > 1))
      this.#compareLinks(node, path, status, isLinked);
  }

  #compareOpen(fd: number, node: TreeNode, path: Buffer): void {
    if (node.type === 'dir') this.#counts.directories++;
    else if (node.type === 'file') this.#counts.files++;
    else this.#counts.others++;
    for (const difference of compareMetadata(fd, node)) this.#differ({ path, ...difference });
  }

  /** Names of one inode in the snapshot must be names of one inode in the target, and of no other. */
  #compareLinks(node: TreeNode, path: Buffer, status: FileStatus, isLinked: boolean): void {
    // A file of one name is nobody else's, whatever number its inode had.
    const there = isLinked
      ? `snapshot ${node.deviceId}:${node.inode}`
      : `snapshot ${path.toString('latin1')}`;
    const here = `target ${status.deviceId}:${status.inode}`;
    const known = this.#linked.get(there);
    const isOther = known === undefined ? this.#linked.has(here) : known !== here;
    if (isOther) {
      this.#differ({
        path,
        kind: 'hard-link',
        expected: 'a further name of one file',
        found: 'another file',
      });
      return;
    }
    this.#linked.set(there, here);
    this.#linked.set(here, there);
  }

  async #compareFile(
    directoryFd: number,
    node: TreeNode,
    path: Buffer,
    foundBytes: number,
    mayBeLonger = false,
  ): Promise<void> {
    const { rows, sizeBytes } = this.#chunksOf(node);
    if (mayBeLonger ? foundBytes < sizeBytes : foundBytes !== sizeBytes) {
      this.#differ({
        path,
        kind: 'size',
        expected: `${sizeBytes} bytes`,
        found: `${foundBytes} bytes`,
      });
      return;
    }
    if (this.#options.depth === 'metadata' || sizeBytes === 0) return;
    if (!mayBeLonger && sizeBytes <= mostSmallBytes && rows.length <= mostSmallChunks) {
      const name = Buffer.from(node.name).toString('latin1');
      const file = { directoryFd, name, sizeBytes, rows, inode: undefined, metadata: undefined };
      const job = this.#smallFiles.add({ path, file });
      if (job !== undefined) await this.#compareInTurn(job);
      return;
    }
    const fd = openFileAt(directoryFd, node.name);
    this.#openFiles.add(fd);
    await this.#compareInTurn(this.#compareContent(fd, rows, path));
  }

  /** Notes a comparison that is under way, and waits while there are enough of them. */
  async #compareInTurn(comparison: Promise<void>): Promise<void> {
    const done: Promise<void> = comparison
      .catch((error: unknown) => {
        this.#failure ??= asError(error);
      })
      .finally(() => {
        this.#comparing.delete(done);
      });
    this.#comparing.add(done);
    if (this.#comparing.size >= this.#options.pool.workers * comparedPerWorker)
      await Promise.race(this.#comparing);
  }

  async #compareContent(fd: number, rows: readonly number[], path: Buffer): Promise<void> {
    const chunks = rows.map((row) => this.#expectedChunk(row));
    try {
      const different = await compareChunks(this.#options.pool, fd, chunks, (sizeBytes) => {
        this.#counts.bytesCompared += sizeBytes;
      });
      this.#reportDifferent(path, rows, [...different]);
    } catch (error) {
      this.#reportUnreadable(path, error);
    }
    this.#openFiles.delete(fd);
    this.#options.pool.closeDescriptor(fd);
  }

  #reportSmallFile({ path, file }: SmallFile, outcome: SmallFileOutcome): void {
    if ('error' in outcome) {
      this.#reportUnreadable(path, outcome.error);
      return;
    }
    this.#counts.bytesCompared += file.sizeBytes;
    if (outcome.isLonger) {
      const expected = `${file.sizeBytes} bytes`;
      this.#differ({ path, kind: 'size', expected, found: 'more: it grew while it was compared' });
    }
    this.#reportDifferent(path, file.rows, outcome.different);
  }

  #reportDifferent(path: Buffer, rows: readonly number[], different: readonly number[]): void {
    if (different.length === 0) return;
    const before = rows.slice(0, Math.min(...different));
    const offset = before.reduce((sum, row) => sum + this.#expectedChunk(row).lengthBytes, 0);
    const found = `other bytes in the chunk at byte ${offset}`;
    this.#differ({ path, kind: 'content', expected: 'the bytes of the snapshot', found });
  }

  /** Throws what the file is not to blame for. */
  #reportUnreadable(path: Buffer, error: unknown): void {
    if (!(error instanceof FileSystemError)) throw error;
    this.#differ({ path, kind: 'unreadable', expected: 'a readable file', found: error.message });
  }

  #expectedChunk(row: number): ExpectedChunk {
    const { blobs } = this.#options.index;
    return { id: blobs.idAt(row).toString('hex'), lengthBytes: blobs.plaintextBytesAt(row) };
  }

  /** Rows of the blob index. */
  #chunksOf(node: TreeNode): { readonly rows: readonly number[]; readonly sizeBytes: number } {
    const { blobs } = this.#options.index;
    let sizeBytes = 0;
    const rows = (node.content ?? []).map((id) => {
      const row = blobs.rowOf('data', id);
      const location = row < 0 ? undefined : blobs.locationAt(row);
      if (location === undefined) throw missingBlob('data', id);
      sizeBytes += plaintextBytes(location);
      return row;
    });
    return { rows, sizeBytes };
  }

  #reportExtras(frame: Frame): void {
    const known = new Set(frame.nodes.map((node) => Buffer.from(node.name).toString('latin1')));
    for (const { name } of readDirectory(frame.fd)) {
      const path = Buffer.concat([frame.path, slash, name]);
      if (known.has(name.toString('latin1')) || !this.#options.selection.selects(path)) continue;
      const status = statAtIfPresent(frame.fd, name);
      // Sockets are never in a snapshot: the program that listens on one makes it.
      if (status === undefined || status.type === 'socket') continue;
      this.#differ({ path, kind: 'extra', expected: 'nothing', found: `a ${nodeTypeOf(status)}` });
    }
  }

  #differ(difference: Difference): void {
    this.#counts.differences++;
    this.#options.report({ type: 'difference', difference });
  }
}

function deviceSizeBytes(directoryFd: number, name: Uint8Array): number {
  const fd = openFileAt(directoryFd, name);
  try {
    return contentBytes(fd);
  } finally {
    close(fd);
  }
}
