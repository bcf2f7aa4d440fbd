import { FileSystemError } from '../../base/errors.ts';
import {
  bytesOf,
  close,
  openDirectoryAt,
  openRoot,
  readNames,
  statAt,
  statAtIfPresent,
  statFd,
} from '../../base/file-system.ts';
import type { FileStatus, Latin1Name } from '../../base/file-system.ts';
import { TimeSlice } from '../../base/time-slice.ts';
import type { Snapshot } from '../../repository/format/snapshot.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { TreeLoader } from '../../repository/tree-loader.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { Exclusion } from '../source/exclusion.ts';
import { folderHead, folderNodeText, nodeAttributes } from '../source/source-node.ts';
import type { RootFolder, Source, StreamSource } from '../source/source-roots.ts';
import type { FolderBesideParent, FolderQueue } from './folder-queue.ts';
import { excludesKept, excludesName } from './frame-exclusion.ts';
import { LeafStager, reportError, reportVanished } from './leaf-stager.ts';
import type { LeafStagerOptions } from './leaf-stager.ts';
import { loadPrevious, takePrevious } from './previous-folder.ts';
import type { PreviousFolder } from './previous-folder.ts';
import { PreviousTree } from './previous-tree.ts';
import { childPath, newFrame, splitPath, wayHead } from './tree-frame.ts';
import type { Frame, NewFrame, Place } from './tree-frame.ts';
import { TreeWriter } from './tree-writer.ts';

/** Folders that stay open for files which wait for a worker, beyond those the walk stands in. */
const waitingFolders = 256;
/** Folders that workers compare at once, and how many may be open before the walk goes depth first again, alone. */
const comparedFolders = 256;
const crowdedFolders = 512;
/**
 * Entries that the walk looks at itself before it has workers compare folders. An estimate: a thread takes 100 to
 * 250 ms of processor time to start, in which the walk compares about as many.
 */
const ownEntries = 10_000;
/** Entries between two looks at the clock, which costs as much as a tenth of an unchanged entry. */
const entriesPerLook = 16;

export interface TreeStagerOptions extends LeafStagerOptions {
  readonly index: LoadedIndex;
  readonly trees: TreeLoader;
  readonly folders: FolderQueue;
  readonly pool: WorkerPool;
  readonly exclusion: Exclusion;
  readonly oneFileSystem: boolean;
  /** Called between slices of work, for a status line. */
  readonly tick: (current: readonly Uint8Array[]) => void;
  readonly monotonicMs: () => number;
  readonly signal: AbortSignal | undefined;
}

type FileSource = Exclude<Source, StreamSource>;

/**
 * Walks the source in the order of names, and builds tree blobs from the leaves up. Files are read by the workers
 * meanwhile: a directory is encoded when its last file is known, wherever the walk is by then. The stack is a list, not
 * recursion, so that depth costs descriptors and nothing else.
 *
 * A directory that the parent has too goes to the workers first, many at once. The walk enters it when they have said
 * which files it need not look at: it looks at the others, at folders, and at what they could make nothing of.
 */
export class TreeStager {
  readonly #options: TreeStagerOptions;
  readonly #stack: Frame[] = [];
  readonly #open = new Set<number>();
  readonly #trees: TreeWriter;
  readonly #leaves: LeafStager;
  #resolveRoot: ((id: string) => void) | undefined;
  #rejectRoot: ((error: unknown) => void) | undefined;
  readonly #slice: TimeSlice;
  readonly #waiting: (() => void)[] = [];
  #directoriesRead = 0;
  #entries = 0;
  /** Entries from which on workers compare. */
  #ownEntries = ownEntries;
  /** One for each folder that the workers compare; they do not reject. */
  readonly #comparing = new Set<Promise<void>>();

  constructor(options: TreeStagerOptions) {
    this.#options = options;
    this.#trees = new TreeWriter(options, (error) => this.#fail(error));
    this.#leaves = new LeafStager(options, {
      settle: (frame) => {
        this.#leave(frame);
        this.#countDown(frame);
      },
      release: (fd) => this.#release(fd),
      fail: (error) => this.#fail(error),
    });
    this.#slice = new TimeSlice(options.monotonicMs, options.signal);
  }

  /** Directories of the source that could be listed. */
  get directoriesRead(): number {
    return this.#directoriesRead;
  }

  /** The id of the snapshot's root tree. Everything below it has been handed to the workers by then. */
  async stage(root: RootFolder, parent: Pick<Snapshot, 'tree' | 'summary'> | undefined): Promise<string> {
    // A parent of so many files leaves no doubt that there is work for threads: they come up while it is found.
    if ((parent?.summary?.totalFilesProcessed ?? 0) >= ownEntries) {
      this.#ownEntries = 0;
      this.#options.folders.start();
    }
    const finished = new Promise<string>((resolve, reject) => {
      this.#resolveRoot = resolve;
      this.#rejectRoot = reject;
    });
    const { files, pool } = this.#options;
    // The walk itself may fail first; then nobody awaits this.
    finished.catch(() => {});
    const previous = await loadPrevious(this.#options.trees, parent?.tree);
    if (root.source === undefined) this.#pushFolder(root, undefined, undefined, previous);
    else this.#pushRootDirectory(previous);
    await this.#walk();
    files.flush();
    const id = await finished;
    await this.#trees.done();
    if (pool.failure !== undefined) throw pool.failure;
    return id;
  }

  /**
   * Must be called after the pool was closed, as a worker may still open files in the folders, and after the signal of
   * the loader of trees has fired: comparisons that are under way end first.
   */
  async close(): Promise<void> {
    await Promise.all(this.#comparing);
    for (const fd of this.#open) close(fd);
    this.#open.clear();
  }

  async #walk(): Promise<void> {
    for (;;) {
      const frame = this.#stack.at(-1);
      if (frame === undefined) {
        if (this.#comparing.size === 0) return;
        await this.#news();
        this.#throwFailure();
      } else {
        const entering = this.#step(frame);
        if (entering !== undefined) await entering;
        const isLate = ++this.#entries % entriesPerLook === 0 && this.#slice.isOver;
        if (isLate || this.#hasTooManyOpen) await this.#pause(frame);
      }
    }
  }

  /** Stages the next entry of the frame, or leaves it. */
  #step(frame: Frame): Promise<void> | undefined {
    const slot = frame.next++;
    const name = frame.names[slot];
    if (name !== undefined) return this.#stageEntry(frame, { name, slot });
    this.#stack.pop();
    this.#leave(frame);
    this.#countDown(frame);
    return undefined;
  }

  /** Those on the stack and those that are compared cannot be waited for: the walk itself has to go on for them. */
  get #hasTooManyOpen(): boolean {
    return this.#open.size > this.#stack.length + this.#comparing.size + waitingFolders;
  }

  async #pause(frame: Frame): Promise<void> {
    const { files, pool, tick } = this.#options;
    tick([frame.path]);
    await files.room();
    await this.#trees.room();
    while (this.#hasTooManyOpen && pool.failure === undefined) {
      files.flush();
      await this.#news();
    }
    await this.#slice.pause();
    this.#throwFailure();
  }

  #throwFailure(): void {
    const { failure } = this.#options.pool;
    if (failure !== undefined) throw failure;
  }

  /** Waits until something has happened that the walk may wait for. */
  #news(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Returns a promise only where a folder has to be entered: one for each file would cost as much as its stat. */
  #stageEntry(frame: Frame, place: Place): Promise<void> | undefined {
    const keptSize = frame.keptSizes?.[place.slot] ?? -1;
    if (keptSize >= 0) {
      this.#leaves.keepFile(frame, place, keptSize);
      return undefined;
    }
    const folder = frame.folders?.get(bytesOf(place.name).toString());
    try {
      const entering =
        folder !== undefined
          ? this.#stageFolder(frame, folder, place)
          : frame.fd !== undefined
            ? this.#stageName(frame, frame.fd, place)
            : undefined;
      return entering?.catch((error: unknown) => this.#entryFailed(frame, place, error));
    } catch (error) {
      this.#entryFailed(frame, place, error);
      return undefined;
    }
  }

  /** A source that is gone is an error, anything below one may come and go. */
  #entryFailed(frame: Frame, { name }: Place, error: unknown): void {
    if (!(error instanceof FileSystemError)) throw error;
    const path = childPath(frame.path, name);
    const isSource = frame.folders?.has(bytesOf(name).toString()) === true;
    if (!isSource && error.errno === 'ENOENT') reportVanished(this.#options, path);
    else reportError(this.#options, path, error);
  }

  /** An entry that a walk found. */
  #stageName(frame: Frame, fd: number, place: Place): Promise<void> | undefined {
    const { exclusion } = this.#options;
    const { name, slot } = place;
    if (excludesName(exclusion, frame, name)) return this.#leaveOut(frame, name);
    const status = statAtIfPresent(fd, name);
    if (status === undefined) {
      reportVanished(this.#options, childPath(frame.path, name));
      return undefined;
    }
    if (exclusion.excludesStatus(status)) return this.#leaveOut(frame, name);
    if (status.type === 'directory') return this.#enter(frame, place, this.#adopt(openDirectoryAt(fd, name)));
    if (status.type !== 'socket') {
      this.#leaves.stage(frame, { fd, ownsFd: false, base: name, name, slot, status });
    }
    return undefined;
  }

  #leaveOut(frame: Frame, name: Latin1Name): undefined {
    this.#options.report({ type: 'excluded', path: childPath(frame.path, name) });
  }

  /** A folder on the way to a source, or a source. */
  async #stageFolder(frame: Frame, folder: RootFolder, place: Place): Promise<void> {
    const { source } = folder;
    if (source === undefined) {
      const head = wayHead(place.name, folder.metadataPath);
      const { subtree, isHeadKept } = takePrevious(frame, place, head);
      this.#pushFolder(
        folder,
        frame,
        { ...place, head, isHeadKept },
        await loadPrevious(this.#options.trees, subtree),
      );
      return;
    }
    if (source.kind === 'stream') {
      this.#leaves.stageStream(frame, place, source);
      return;
    }
    const { directory, base } = splitPath(source.path);
    const parentFd = this.#adopt(openRoot(directory));
    try {
      await this.#stageSource(frame, source, place, parentFd, base);
    } catch (error) {
      this.#release(parentFd);
      throw error;
    }
  }

  /** A source in its open folder, which is closed as soon as nothing needs it. */
  async #stageSource(
    frame: Frame,
    source: FileSource,
    place: Place,
    parentFd: number,
    base: Latin1Name | undefined,
  ): Promise<void> {
    const status: FileStatus | undefined = base === undefined ? undefined : statAt(parentFd, base);
    if (base !== undefined && status !== undefined && status.type !== 'directory') {
      if (status.type === 'socket') {
        const where = childPath(frame.path, place.name).toString();
        throw new FileSystemError('unsupported', 'a socket cannot be staged', { where });
      }
      const entry = { fd: parentFd, ownsFd: true, base, ...place, status };
      if (source.kind === 'image' && status.type === 'block-device')
        this.#leaves.stageDevice(frame, entry, source);
      else this.#leaves.stage(frame, entry);
      return;
    }
    const fd = base === undefined ? parentFd : this.#adopt(openDirectoryAt(parentFd, base));
    if (fd !== parentFd) this.#release(parentFd);
    await this.#enter(frame, place, fd);
  }

  #enter(parent: Frame, place: Place, fd: number): Promise<void> | undefined {
    try {
      return this.#enterDirectory(parent, place, fd);
    } catch (error) {
      this.#release(fd);
      throw error;
    }
  }

  /** Goes on with the entries of an open directory, now or when the workers have compared it. */
  #enterDirectory(parent: Frame, place: Place, fd: number): Promise<void> | undefined {
    const status = statFd(fd);
    const deviceId = parent.deviceId ?? status.deviceId;
    // As restic: a mount point below the source is kept as an empty folder.
    const isOther = this.#options.oneFileSystem && status.deviceId !== deviceId;
    const names = isOther ? [] : this.#sortedNames(fd);
    const head = folderHead(place.name, status, nodeAttributes(fd));
    const leavesOut = this.#options.exclusion.taggedContents(fd);
    // Last: whatever fails above leaves this entry out, and the parent's folder is not the same any more.
    const { subtree, isHeadKept } = takePrevious(parent, place, head);
    const frame = newFrame({
      parent,
      fd,
      path: childPath(parent.path, place.name),
      head,
      slot: place.slot,
      names,
      folders: undefined,
      leavesOut,
      previous: undefined,
      previousSubtree: subtree,
      isHeadKept,
      deviceId,
    });
    if (subtree === undefined) {
      this.#stack.push(frame);
      return undefined;
    }
    if (!this.#isForWorkers(names.length)) return this.#walkBeside(frame, subtree);
    const comparing = this.#compare(frame, { fd, names, subtree })
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#comparing.delete(comparing);
        this.#wake();
      });
    this.#comparing.add(comparing);
    return undefined;
  }

  /** The walk goes on with a folder itself when the workers have enough to do: it is one thread of several. */
  #isForWorkers(names: number): boolean {
    const { folders } = this.#options;
    if (names === 0 || this.#entries + names < this.#ownEntries) return false;
    folders.start(1);
    if (!folders.takes(names)) return false;
    return this.#comparing.size < comparedFolders && this.#open.size < crowdedFolders;
  }

  /** Has the workers compare the folder, and then goes on with it. */
  async #compare(frame: Frame, folder: FolderBesideParent): Promise<void> {
    const { exclusion, folders } = this.#options;
    const compared = await folders.compare(folder);
    if (compared === undefined || excludesKept(exclusion, frame, compared)) {
      await this.#walkBeside(frame, folder.subtree);
      return;
    }
    frame.previous = PreviousTree.ofNodes(folder.subtree, compared.rest);
    frame.keptSizes = compared.sizes;
    for (const { place, text } of compared.kept) frame.nodes[place] = text;
    this.#stack.push(frame);
  }

  /** Goes on with a folder, looking at all its entries. */
  async #walkBeside(frame: Frame, subtree: string): Promise<void> {
    const { tree } = await loadPrevious(this.#options.trees, subtree);
    frame.previous = tree;
    this.#stack.push(frame);
  }

  #pushRootDirectory(previous: PreviousFolder): void {
    const fd = this.#adopt(openRoot('/'));
    this.#push({
      parent: undefined,
      fd,
      path: Buffer.from('/'),
      head: undefined,
      slot: 0,
      names: this.#sortedNames(fd),
      folders: undefined,
      leavesOut: this.#options.exclusion.taggedContents(fd),
      previous: previous.tree,
      previousSubtree: previous.subtree,
      isHeadKept: false,
      deviceId: statFd(fd).deviceId,
    });
  }

  #pushFolder(
    folder: RootFolder,
    parent: Frame | undefined,
    own: (Place & { readonly head: string; readonly isHeadKept: boolean }) | undefined,
    previous: PreviousFolder,
  ): void {
    this.#push({
      parent,
      fd: undefined,
      path: parent === undefined || own === undefined ? Buffer.from('/') : childPath(parent.path, own.name),
      head: own?.head,
      slot: own?.slot ?? 0,
      names: [...folder.children.keys()].map((name) => Buffer.from(name).toString('latin1')).toSorted(),
      folders: folder.children,
      leavesOut: undefined,
      previous: previous.tree,
      previousSubtree: previous.subtree,
      isHeadKept: own?.isHeadKept ?? false,
      deviceId: undefined,
    });
  }

  #push(frame: NewFrame): void {
    this.#stack.push(newFrame(frame));
  }

  /** In the order of their bytes, which is that of their Latin-1 text. */
  #sortedNames(fd: number): Latin1Name[] {
    const names = readNames(fd).sort();
    this.#directoriesRead++;
    // A file system that changes while it is listed may tell a name twice; a tree must not.
    return names.filter((name, place) => name !== names[place - 1]);
  }

  /** The walk has left the frame, or a file in it is done. Nothing then needs the folder open, wherever its tree is. */
  #leave(frame: Frame): void {
    if (--frame.users === 0 && frame.fd !== undefined) this.#release(frame.fd);
  }

  /** Something below the frame is known, or the walk has left it. The last such event encodes it, and so on upwards. */
  #countDown(from: Frame): void {
    for (
      let frame: Frame | undefined = from;
      frame !== undefined && --frame.pending === 0;
      frame = frame.parent
    ) {
      const subtree = this.#treeOf(frame);
      const { parent, head } = frame;
      if (parent === undefined || head === undefined) {
        this.#resolveRoot?.(subtree);
        continue;
      }
      parent.nodes[frame.slot] = folderNodeText(head, subtree);
      if (!frame.isHeadKept || subtree !== frame.previousSubtree) parent.hasChangedFolder = true;
      this.#countDirectory(frame, subtree);
    }
  }

  #treeOf({ previous, hasChangedFolder, nodes }: Frame): string {
    if (previous === undefined || hasChangedFolder || !previous.isWhole) {
      return this.#trees.save(nodes.filter((node) => node !== undefined));
    }
    this.#trees.keep(previous.id);
    return previous.id;
  }

  #countDirectory(frame: Frame, subtree: string): void {
    const { counts, report } = this.#options;
    const { path, previousSubtree } = frame;
    const action =
      previousSubtree === undefined ? 'new' : previousSubtree === subtree ? 'unchanged' : 'changed';
    if (action === 'new') counts.dirsNew++;
    else if (action === 'changed') counts.dirsChanged++;
    else counts.dirsUnmodified++;
    report({ type: 'item', action, path, isDirectory: true, sizeBytes: 0, addedBytes: 0 });
  }

  #adopt(fd: number): number {
    this.#open.add(fd);
    return fd;
  }

  #release(fd: number): void {
    if (this.#open.delete(fd)) close(fd);
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#rejectRoot?.(error);
    this.#wake();
  }
}
