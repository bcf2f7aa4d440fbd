import { setImmediate } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import { TranshipError } from '../../base/errors.ts';
import type { Latin1Name } from '../../base/file-system.ts';
import type { TreeLoader } from '../../repository/tree-loader.ts';
import { allSettled } from '../pipeline/all-settled.ts';
import type { ComparedFolder, FolderToCompare, KeptNodes } from '../pipeline/folder-comparison.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { ReliedBlobs } from './relied-blobs.ts';
import { compareSlice } from './folder-comparer.ts';
import { sharedRoom, sliceTree } from './tree-slices.ts';
import type { FolderSlice } from './tree-slices.ts';

/**
 * Small folders travel to a worker together, large ones in slices. An estimate: a message costs about as much as
 * comparing 20 files, and the walk, which looks at folders itself meanwhile, sees the answers every 8 ms, in which
 * about 1,000 are compared.
 */
const jobNames = 1024;
/** Larger ones travel in slices, of which the walk's thread compares its share. */
const smallFolderNames = 2 * jobNames;
/** The walk's thread compares about as many while another one starts. */
const namesWhileStarting = 10_000;
/**
 * A larger tree of few names (files of very many chunks each) is left to the walk: up to hundreds of folders wait here,
 * each with a copy of its sealed tree.
 */
const largestTreeBytes = 4 * 2 ** 20;
/** One at work and one waiting. */
const jobsPerWorker = 2;

/** A folder of the source that the parent snapshot has too. */
export interface FolderBesideParent {
  /** Open until the answer has come. */
  readonly fd: number;
  /** In ascending order, at least one. */
  readonly names: readonly Latin1Name[];
  /** The parent's tree. */
  readonly subtree: string;
}

/** What has come of a folder; undefined where it could not be compared. */
type Compared = ComparedFolder | undefined;

type LargeFolderSlice = FolderSlice & Pick<FolderToCompare, 'fd'>;

interface QueuedFolder {
  readonly folder: FolderToCompare;
  readonly resolve: (compared: Compared) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Has the workers compare folders with the parent snapshot. One of them less than there may be: the thread of the walk
 * compares as well, and a thread that is not started saves its processor time and memory.
 */
export class FolderQueue {
  readonly #pool: WorkerPool;
  readonly #trees: TreeLoader;
  readonly #relied: ReliedBlobs;
  /** How many workers are put to use. */
  readonly #threads: number;
  readonly #jobsAtOnce: number;
  readonly #jobs: LimitFunction;
  #batch: QueuedFolder[] = [];
  #batchNames = 0;
  #namesUnderWay = 0;
  #isFlushDue = false;

  constructor(pool: WorkerPool, trees: TreeLoader, relied: ReliedBlobs) {
    this.#pool = pool;
    this.#trees = trees;
    this.#relied = relied;
    this.#threads = Math.max(1, pool.workers - 1);
    this.#jobsAtOnce = jobsPerWorker * this.#threads;
    this.#jobs = pLimit(this.#jobsAtOnce);
  }

  /** Starts workers ahead of their first folder, all by default. Further ones are started where there is work. */
  start(threads = this.#threads): void {
    this.#pool.startThreads(Math.min(threads, this.#threads));
  }

  /**
   * False when the walk had better look at a folder of so many names itself: the workers have enough to do or, where it
   * is not so large that there is enough of it for both, are still coming up.
   */
  takes(names: number): boolean {
    if (this.#namesUnderWay >= jobNames * this.#jobsAtOnce) return false;
    return names > namesWhileStarting || this.#pool.isReady;
  }

  /** Undefined where the parent's tree cannot be read, is not to be compared here, or not as text. */
  async compare(folder: FolderBesideParent): Promise<Compared> {
    const { length } = folder.names;
    this.#namesUnderWay += length;
    try {
      return await (length > smallFolderNames ? this.#compareLarge(folder) : this.#compareSmall(folder));
    } catch (error) {
      if (this.#pool.failure !== undefined) throw error;
      if (!(error instanceof TranshipError) || error.code === 'cancelled') throw error;
      return undefined;
    } finally {
      this.#namesUnderWay -= length;
    }
  }

  async #compareSmall({ fd, names, subtree }: FolderBesideParent): Promise<Compared> {
    if (this.#trees.sizeBytes(subtree) > largestTreeBytes) return undefined;
    const tree = await this.#trees.loadSealed(subtree);
    return this.#submit({ fd, names: names.join('/'), tree }, names.length);
  }

  async #compareLarge({ fd, names, subtree }: FolderBesideParent): Promise<Compared> {
    const count = Math.ceil(names.length / jobNames);
    const slices = sliceTree(subtree, await this.#trees.loadText(subtree, sharedRoom), names, count);
    if (slices.length === 0) return undefined;
    const compared = new Array<Compared>(slices.length);
    let next = 0;
    const compareRest = async (compare: (folder: LargeFolderSlice) => Promise<Compared>): Promise<void> => {
      try {
        while (next < slices.length) {
          const number = next++;
          const slice = slices[number];
          if (slice !== undefined) compared[number] = await compare({ ...slice, fd });
        }
      } finally {
        // After a failure the folder is closed soon: then none of the others may go on.
        next = slices.length;
      }
    };
    const inWorker = async (slice: LargeFolderSlice): Promise<Compared> => (await this.#run([slice]))[0];
    const here = async (slice: LargeFolderSlice): Promise<Compared> => {
      const result = compareSlice(slice, this.#relied);
      await setImmediate();
      return result;
    };
    await allSettled([
      ...Array.from({ length: this.#jobsAtOnce }, () => compareRest(inWorker)),
      compareRest(here),
    ]);
    return joined(slices, compared, names.length);
  }

  #submit(folder: FolderToCompare, names: number): Promise<Compared> {
    return new Promise((resolve, reject) => {
      this.#batch.push({ folder, resolve, reject });
      this.#batchNames += names;
      if (this.#batchNames >= jobNames) this.#flush();
      else void this.#flushSoon();
    });
  }

  /** Sends what has been collected when nothing more comes at once. */
  async #flushSoon(): Promise<void> {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    await setImmediate();
    this.#isFlushDue = false;
    this.#flush();
  }

  /** Holds the folders back while the workers have enough: further jobs would start further threads. */
  #flush(): void {
    const batch = this.#batch;
    if (batch.length === 0 || this.#jobs.activeCount + this.#jobs.pendingCount >= this.#jobsAtOnce) return;
    this.#batch = [];
    this.#batchNames = 0;
    this.#run(batch.map(({ folder }) => folder)).then(
      (compared) => {
        for (const [place, { resolve }] of batch.entries()) resolve(compared[place]);
      },
      (error: unknown) => {
        for (const { reject } of batch) reject(error);
      },
    );
  }

  async #run(folders: readonly FolderToCompare[]): Promise<readonly Compared[]> {
    const request = { folders, relied: this.#relied.memory };
    try {
      return await this.#jobs(() => this.#pool.run('compare-folders', request));
    } finally {
      this.#flush();
    }
  }
}

/** What the slices say together; undefined when one could not be compared. */
function joined(slices: readonly FolderSlice[], compared: readonly Compared[], names: number): Compared {
  const parts = compared.filter((part) => part !== undefined);
  if (parts.length < slices.length) return undefined;
  // Else a name would stand in the new tree twice, or not at all.
  if (parts.reduce((sum, part) => sum + part.sizes.length, 0) !== names) return undefined;
  const sizes = new Float64Array(names);
  for (const [number, { sizes: some }] of parts.entries()) sizes.set(some, slices[number]?.firstPlace);
  const isWhole = parts.every(isWholePart);
  const kept = isWhole ? [] : slices.flatMap((slice, number) => keptNodes(slice, parts[number]));
  const rest = parts.map((part) => part.rest).filter((text) => text !== '');
  return { sizes, kept, rest: rest.join(',') };
}

/** True where no nodes came back, as there is nothing but what they are. */
function isWholePart({ kept, rest }: ComparedFolder): boolean {
  return kept.length === 0 && rest === '';
}

function keptNodes({ firstPlace, names, tree }: FolderSlice, part: Compared): KeptNodes[] {
  if (part === undefined || names.length === 0) return [];
  if (isWholePart(part)) {
    return [
      { place: firstPlace, text: Buffer.from(tree.text, tree.start, tree.end - tree.start).toString() },
    ];
  }
  return part.kept.map(({ place, text }) => ({ place: firstPlace + place, text }));
}
