import { RepositoryError } from '../base/errors.ts';
import { TimeSlice } from '../base/time-slice.ts';
import type { Snapshot } from './format/snapshot.ts';
import type { TreeNode } from './format/tree-node.ts';
import { loadIndex } from './loaded-index.ts';
import type { LoadedIndex } from './loaded-index.ts';
import type { Repository } from './repository.ts';
import { ContentsCounter, RawDataCounter, RestoreSizeCounter } from './statistics-counter.ts';
import type { Counter, Subtotal } from './statistics-counter.ts';
import { TreeLoader } from './tree-loader.ts';

const progressIntervalMs = 100;

/**
 * What is counted, in restic's words. `restore-size`: everything of every snapshot, as it would be restored.
 * `files-by-contents`: each sequence of blobs once. `blobs-per-file`: of those, each blob once for each path.
 * `raw-data`: each blob once, as it is stored.
 */
export type StatisticsMode = 'restore-size' | 'files-by-contents' | 'blobs-per-file' | 'raw-data';

/** What was counted. */
export interface Statistics {
  readonly snapshots: number;
  /** Bytes: of files' contents; with `raw-data` of sealed blobs. */
  readonly totalBytes: number;
  /** With `restore-size` all entries, folders and links among them. 0 with `raw-data`. */
  readonly files: number;
  /** Only with `blobs-per-file` and `raw-data`. */
  readonly blobs: number;
  /** Only with `raw-data`, in a repository of version 2. */
  readonly compression?: CompressionStatistics | undefined;
}

/** What compression achieves. */
export interface CompressionStatistics {
  /** Bytes that the sealed blobs would have without compression. */
  readonly uncompressedBytes: number;
  /** How many times the compressed blobs were larger before; 0 when there are none. */
  readonly ratio: number;
  /** Share of the bytes that stands in compressed blobs, 0 to 100. */
  readonly progressPercent: number;
  /** Share of the bytes that compression has saved, up to 100. */
  readonly spaceSavingPercent: number;
}

/** How far the counting is. */
export interface StatisticsProgress {
  readonly snapshots: number;
  readonly totalSnapshots: number;
  /** Entries met so far, in all snapshots; folders that were met before are not gone through again. */
  readonly entries: number;
}

/** What is counted. */
export interface StatisticsOptions {
  /** Default `restore-size`. */
  readonly mode?: StatisticsMode | undefined;
  /** Called ten times a second. */
  readonly onProgress?: ((progress: StatisticsProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Counts what snapshots hold; the numbers are those of `restic stats`. Takes no lock: the caller must hold one, or make
 * sure that nobody prunes. Each tree is read once, however many snapshots share it.
 * Throws RepositoryError `corrupt` when a tree or blob is missing or damaged, StoreError, CancelledError.
 *
 * @example
 * const { snapshots } = await listSnapshots(repository);
 * const { totalBytes } = await computeStatistics(repository, snapshots, { mode: 'raw-data' });
 */
export async function computeStatistics(
  repository: Repository,
  snapshots: readonly Snapshot[],
  options: StatisticsOptions = {},
): Promise<Statistics> {
  const { mode = 'restore-size', signal } = options;
  const index = await loadIndex(repository, signal);
  const counter = counterOf(mode, index);
  const walk = new TreeWalk(repository, index, counter, options, snapshots.length);
  for (const snapshot of snapshots) await walk.addSnapshot(snapshot.tree);
  const counted = counter.result(repository.config.version >= 2);
  return { ...counted, snapshots: snapshots.length };
}

function counterOf(mode: StatisticsMode, index: LoadedIndex): Counter {
  if (mode === 'restore-size') return new RestoreSizeCounter();
  return mode === 'raw-data' ? new RawDataCounter(index) : new ContentsCounter(mode, index);
}

interface Frame {
  readonly id: string;
  readonly nodes: readonly TreeNode[];
  /** Latin-1 text of its bytes, without a slash behind it. */
  readonly path: string;
  readonly subtotal: Subtotal;
  next: number;
}

/** Goes through the trees of snapshots, those that are met again by what is known of them. */
class TreeWalk {
  readonly #trees: TreeLoader;
  readonly #counter: Counter;
  readonly #options: StatisticsOptions;
  readonly #totalSnapshots: number;
  readonly #nowMs: () => number;
  readonly #slice: TimeSlice;
  readonly #known = new Map<string, Subtotal>();
  #snapshots = 0;
  #entries = 0;
  #progressMs = 0;

  constructor(
    repository: Repository,
    index: LoadedIndex,
    counter: Counter,
    options: StatisticsOptions,
    totalSnapshots: number,
  ) {
    this.#trees = new TreeLoader(repository, index, options.signal);
    this.#counter = counter;
    this.#options = options;
    this.#totalSnapshots = totalSnapshots;
    this.#nowMs = () => repository.clock.monotonicMs();
    this.#slice = new TimeSlice(this.#nowMs, options.signal);
  }

  async addSnapshot(tree: string): Promise<void> {
    this.#counter.beginSnapshot();
    const total: Subtotal = { entries: 0, bytes: 0, isConstant: true };
    const stack: Frame[] = [];
    await this.#enter(tree, '', stack, total);
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      if (this.#slice.isOver) await this.#pause();
      const node = frame.nodes[frame.next++];
      if (node === undefined) {
        stack.pop();
        this.#leave(frame, stack.at(-1)?.subtotal ?? total);
        continue;
      }
      this.#entries++;
      const path = `${frame.path}/${Buffer.from(node.name).toString('latin1')}`;
      this.#counter.node(node, path, frame.subtotal);
      if (node.type !== 'dir') continue;
      if (node.subtree === undefined)
        throw new RepositoryError('corrupt', 'a folder has no tree', { where: frame.id });
      await this.#enter(node.subtree, path, stack, frame.subtotal);
    }
    this.#counter.add(total);
    this.#snapshots++;
  }

  async #enter(id: string, path: string, stack: Frame[], parent: Subtotal): Promise<void> {
    const known = this.#known.get(id);
    if (known !== undefined) {
      if (this.#counter.countsAgain) addTo(parent, known);
      return;
    }
    this.#counter.tree(id);
    const { nodes } = await this.#trees.load(id);
    stack.push({ id, nodes, path, subtotal: { entries: 0, bytes: 0, isConstant: true }, next: 0 });
  }

  #leave({ id, subtotal }: Frame, parent: Subtotal): void {
    if (subtotal.isConstant) this.#known.set(id, subtotal);
    addTo(parent, subtotal);
  }

  async #pause(): Promise<void> {
    const { onProgress } = this.#options;
    const nowMs = this.#nowMs();
    if (nowMs - this.#progressMs >= progressIntervalMs) {
      this.#progressMs = nowMs;
      onProgress?.({
        snapshots: this.#snapshots,
        totalSnapshots: this.#totalSnapshots,
        entries: this.#entries,
      });
    }
    await this.#slice.pause();
  }
}

function addTo(parent: Subtotal, { entries, bytes, isConstant }: Subtotal): void {
  parent.entries += entries;
  parent.bytes += bytes;
  parent.isConstant &&= isConstant;
}
