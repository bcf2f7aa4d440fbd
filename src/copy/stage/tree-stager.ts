import { unpackError } from '../../base/error-transport.ts';
import { FileSystemError, TranshipError } from '../../base/errors.ts';
import {
  close,
  openDirectoryAt,
  openRoot,
  readDirectory,
  statAt,
  statAtIfPresent,
  statFd,
} from '../../base/file-system.ts';
import type { FileStatus } from '../../base/file-system.ts';
import { TimeSlice } from '../../base/time-slice.ts';
import { compareNames } from '../../repository/format/tree.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { TreeLoader } from '../../repository/tree-loader.ts';
import type { FileReference, StoredFile, StoreFileResult } from '../pipeline/protocol.ts';
import type { WorkerPool } from '../pipeline/worker-pool.ts';
import type { Exclusion } from '../source/exclusion.ts';
import { nodeAttributes, nodeOf, nodeWithoutReading } from '../source/source-node.ts';
import type { ImageSource, RootFolder, StreamSource } from '../source/source-roots.ts';
import type { FileQueue } from './file-queue.ts';
import { childPath, folderNode, splitPath } from './tree-frame.ts';
import type { Frame, Entry, Place } from './tree-frame.ts';
import { isUnchanged, nodesByName } from './parent.ts';
import type { ChangeDetection, PreviousNodes } from './parent.ts';
import type { ReliedBlobs } from './relied-blobs.ts';
import type { StageCounts, StageEvent } from './stage-events.ts';
import { TreeWriter } from './tree-writer.ts';

/** Folders that stay open for files which wait for a worker, beyond those the walk stands in. */
const waitingFolders = 256;

export interface TreeStagerOptions {
  readonly index: LoadedIndex;
  readonly trees: TreeLoader;
  readonly pool: WorkerPool;
  readonly files: FileQueue;
  readonly relied: ReliedBlobs;
  readonly counts: StageCounts;
  readonly exclusion: Exclusion;
  readonly detection: ChangeDetection;
  readonly oneFileSystem: boolean;
  readonly report: (event: StageEvent) => void;
  /** Called between slices of work, for a status line. */
  readonly tick: (current: readonly Uint8Array[]) => void;
  readonly monotonicMs: () => number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Walks the source depth first, in the order of names, and builds tree blobs from the leaves up. Files are read by the
 * workers meanwhile: a directory is encoded when its last file is known, wherever the walk is by then. The stack is a
 * list, not recursion, so that depth costs descriptors and nothing else.
 */
export class TreeStager {
  readonly #options: TreeStagerOptions;
  readonly #stack: Frame[] = [];
  readonly #open = new Set<number>();
  readonly #trees: TreeWriter;
  #resolveRoot: ((id: string) => void) | undefined;
  #rejectRoot: ((error: unknown) => void) | undefined;
  readonly #slice: TimeSlice;
  readonly #waiting: (() => void)[] = [];
  #directoriesRead = 0;

  constructor(options: TreeStagerOptions) {
    this.#options = options;
    this.#trees = new TreeWriter(options, (error) => this.#fail(error));
    this.#slice = new TimeSlice(options.monotonicMs, options.signal);
  }

  /** Directories of the source that could be listed. */
  get directoriesRead(): number {
    return this.#directoriesRead;
  }

  /** The id of the snapshot's root tree. Everything below it has been handed to the workers by then. */
  async stage(root: RootFolder, previousTree: string | undefined): Promise<string> {
    const finished = new Promise<string>((resolve, reject) => {
      this.#resolveRoot = resolve;
      this.#rejectRoot = reject;
    });
    const { files, pool } = this.#options;
    // The walk itself may fail first; then nobody awaits this.
    finished.catch(() => {});
    const previous = await this.#previousNodes(previousTree);
    if (root.source === undefined) this.#pushFolder(root, undefined, undefined, 0, previous, previousTree);
    else this.#pushRootDirectory(previous, previousTree);
    await this.#walk();
    files.flush();
    const id = await finished;
    await this.#trees.done();
    if (pool.failure !== undefined) throw pool.failure;
    return id;
  }

  /** Must be called after the pool was closed: a worker may still open files in the folders. */
  close(): void {
    for (const fd of this.#open) close(fd);
    this.#open.clear();
  }

  async #walk(): Promise<void> {
    for (let frame = this.#stack.at(-1); frame !== undefined; frame = this.#stack.at(-1)) {
      const slot = frame.next++;
      const name = frame.names[slot];
      if (name === undefined) {
        this.#stack.pop();
        this.#countDown(frame);
      } else {
        await this.#stageEntry(frame, name, slot);
      }
      if (this.#slice.isOver || this.#open.size > this.#stack.length + waitingFolders)
        await this.#pause(frame);
    }
  }

  async #pause(frame: Frame): Promise<void> {
    const { files, pool, tick } = this.#options;
    tick([frame.path]);
    await files.room();
    await this.#trees.room();
    while (this.#open.size > this.#stack.length + waitingFolders && pool.failure === undefined) {
      files.flush();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    await this.#slice.pause();
    if (pool.failure !== undefined) throw pool.failure;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #stageEntry(frame: Frame, name: Buffer, slot: number): Promise<void> {
    const folder = frame.folders?.get(name.toString());
    const path = childPath(frame.path, name);
    try {
      if (folder !== undefined) await this.#stageFolder(frame, folder, name, path, slot);
      else if (frame.fd !== undefined) await this.#stageName(frame, frame.fd, name, path, slot);
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      if (folder === undefined && error.errno === 'ENOENT') this.#reportVanished(path);
      else this.#reportError(path, error);
    }
  }

  /** An entry that a walk found. */
  async #stageName(frame: Frame, fd: number, name: Buffer, path: Buffer, slot: number): Promise<void> {
    const { exclusion, report } = this.#options;
    if (exclusion.excludesPath(path) || frame.leavesOut?.(name) === true) {
      report({ type: 'excluded', path });
      return;
    }
    const status = statAtIfPresent(fd, name);
    if (status === undefined) {
      this.#reportVanished(path);
      return;
    }
    if (exclusion.excludesStatus(status)) {
      report({ type: 'excluded', path });
      return;
    }
    await this.#stageStatus(frame, fd, name, path, slot, status);
  }

  async #stageStatus(
    frame: Frame,
    fd: number,
    name: Buffer,
    path: Buffer,
    slot: number,
    status: FileStatus,
  ): Promise<void> {
    if (status.type === 'directory') {
      const childFd = this.#adopt(openDirectoryAt(fd, name));
      const previous = this.#previousDirectory(frame, name);
      const nodes = await this.#previousNodes(previous?.subtree);
      this.#pushDirectory({
        parent: frame,
        fd: childFd,
        path,
        name,
        slot,
        previous: nodes,
        previousNode: previous,
      });
    } else if (status.type !== 'socket') {
      const previous = frame.previous?.get(name.toString('latin1'));
      this.#stageLeaf(frame, { fd, ownsFd: false, base: name, name, path, slot, status, previous });
    }
  }

  /** A folder on the way to a source, or a source. */
  async #stageFolder(
    frame: Frame,
    folder: RootFolder,
    name: Buffer,
    path: Buffer,
    slot: number,
  ): Promise<void> {
    const previous = this.#previousDirectory(frame, name);
    const nodes = await this.#previousNodes(previous?.subtree);
    const known = frame.previous?.get(name.toString('latin1'));
    const { source } = folder;
    if (source === undefined) {
      this.#pushFolder(folder, frame, name, slot, nodes, previous?.subtree);
      return;
    }
    if (source.kind === 'stream') {
      this.#queueStream(frame, { name, path, slot, previous: known }, source);
      return;
    }
    const { directory, base } = splitPath(source.path);
    const parentFd = this.#adopt(openRoot(directory));
    const status = base === undefined ? undefined : statAt(parentFd, base);
    if (base !== undefined && status !== undefined && status.type !== 'directory') {
      if (status.type === 'socket') {
        throw new FileSystemError('unsupported', 'a socket cannot be staged', { where: path.toString() });
      }
      const entry = { fd: parentFd, ownsFd: true, base, name, path, slot, status, previous: known };
      if (source.kind === 'image' && status.type === 'block-device') this.#queueDevice(frame, entry, source);
      else this.#stageLeaf(frame, entry);
      return;
    }
    const fd = base === undefined ? parentFd : this.#adopt(openDirectoryAt(parentFd, base));
    if (fd !== parentFd) this.#release(parentFd);
    this.#pushDirectory({ parent: frame, fd, path, name, slot, previous: nodes, previousNode: previous });
  }

  /** Anything but a directory. */
  #stageLeaf(frame: Frame, entry: Entry): void {
    if (entry.status.type === 'file') {
      this.#stageFile(frame, entry);
      return;
    }
    frame.nodes[entry.slot] = { ...nodeWithoutReading(entry.fd, entry.base, entry.status), name: entry.name };
    this.#options.counts.othersProcessed++;
    this.#leave(entry);
  }

  #stageFile(frame: Frame, entry: Entry): void {
    const { counts, detection, index, relied, report } = this.#options;
    const { fd, base, name, path, slot, status, previous } = entry;
    if (!isUnchanged(previous, status, index, detection)) {
      this.#queueFile(frame, entry);
      return;
    }
    const sizeBytes = status.sizeBytes;
    const node = nodeWithoutReading(fd, base, status, { content: previous.content, sizeBytes });
    frame.nodes[slot] = { ...node, name };
    for (const id of previous.content) relied.add('data', id);
    counts.filesUnmodified++;
    counts.bytesProcessed += sizeBytes;
    report({ type: 'item', action: 'unchanged', path, isDirectory: false, sizeBytes, addedBytes: 0 });
    this.#leave(entry);
  }

  #queueFile(frame: Frame, entry: Entry): void {
    const { files } = this.#options;
    this.#await(frame, entry, files.store(referenceTo(entry), entry.status.sizeBytes));
  }

  /** Read every time: nothing tells whether a device has changed. */
  #queueDevice(frame: Frame, entry: Entry, { timeNs }: ImageSource): void {
    this.#await(frame, entry, this.#options.files.storeDevice(referenceTo(entry), timeNs));
  }

  #await(frame: Frame, entry: Entry, storing: Promise<StoreFileResult>): void {
    frame.pending++;
    storing.then(
      (result) => this.#fileDone(frame, entry, result),
      (error: unknown) => this.#fail(error),
    );
  }

  #queueStream(frame: Frame, place: Place, stream: StreamSource): void {
    frame.pending++;
    this.#options.files
      .storeStream(stream)
      .then((file) => {
        this.#fileStored(frame, place, file);
        this.#countDown(frame);
      })
      .catch((error: unknown) => this.#fail(error));
  }

  /** Closes the folder of a source that is a file; that of any other entry belongs to its frame. */
  #leave(entry: Entry): void {
    if (entry.ownsFd) this.#release(entry.fd);
  }

  #fail(error: unknown): void {
    this.#rejectRoot?.(error);
    this.#wake();
  }

  #fileDone(frame: Frame, entry: Entry, result: StoreFileResult): void {
    try {
      if (result.outcome === 'failed') this.#fileFailed(entry, unpackError(result.error));
      else this.#fileStored(frame, entry, result.file);
      this.#countDown(frame);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#leave(entry);
    }
  }

  #fileFailed(entry: Entry, error: Error): void {
    if (!(error instanceof FileSystemError)) throw error;
    if (error.errno === 'ENOENT') this.#reportVanished(entry.path);
    else this.#reportError(entry.path, error);
  }

  #fileStored(frame: Frame, { slot, name, path, previous }: Place, file: StoredFile): void {
    const { counts, relied, report } = this.#options;
    frame.nodes[slot] = nodeOf(name, file.status, file.extendedAttributes, file);
    for (const id of file.content) relied.add('data', id);
    const action = previous?.type === 'file' ? 'changed' : 'new';
    if (action === 'new') counts.filesNew++;
    else counts.filesChanged++;
    const { sizeBytes, addedBytes } = file;
    report({ type: 'item', action, path, isDirectory: false, sizeBytes, addedBytes });
    if (file.changedWhileRead) {
      report({ type: 'warning', path, message: 'the file changed while it was read' });
    }
  }

  #pushRootDirectory(previous: PreviousNodes | undefined, previousSubtree: string | undefined): void {
    const fd = this.#adopt(openRoot('/'));
    this.#push({
      parent: undefined,
      fd,
      path: Buffer.from('/'),
      own: undefined,
      slot: 0,
      names: this.#sortedNames(fd),
      folders: undefined,
      leavesOut: this.#options.exclusion.taggedContents(fd),
      previous,
      previousSubtree,
      deviceId: statFd(fd).deviceId,
    });
  }

  #pushFolder(
    folder: RootFolder,
    parent: Frame | undefined,
    name: Buffer | undefined,
    slot: number,
    previous: PreviousNodes | undefined,
    previousSubtree: string | undefined,
  ): void {
    const names = [...folder.children.keys()].map((child) => Buffer.from(child)).toSorted(compareNames);
    this.#push({
      parent,
      fd: undefined,
      path: parent === undefined || name === undefined ? Buffer.from('/') : childPath(parent.path, name),
      own: name === undefined ? undefined : folderNode(name, folder.metadataPath),
      slot,
      names,
      folders: folder.children,
      leavesOut: undefined,
      previous,
      previousSubtree,
      deviceId: undefined,
    });
  }

  #pushDirectory(directory: {
    readonly parent: Frame;
    readonly fd: number;
    readonly path: Buffer;
    readonly name: Buffer;
    readonly slot: number;
    readonly previous: PreviousNodes | undefined;
    readonly previousNode: TreeNode | undefined;
  }): void {
    const { parent, fd, path, name, slot } = directory;
    const status = statFd(fd);
    const deviceId = parent.deviceId ?? status.deviceId;
    // As restic: a mount point below the source is kept as an empty folder.
    const isOther = this.#options.oneFileSystem && status.deviceId !== deviceId;
    this.#push({
      parent,
      fd,
      path,
      own: nodeOf(name, status, nodeAttributes(fd)),
      slot,
      names: isOther ? [] : this.#sortedNames(fd),
      folders: undefined,
      leavesOut: this.#options.exclusion.taggedContents(fd),
      previous: directory.previous,
      previousSubtree: directory.previousNode?.subtree,
      deviceId,
    });
  }

  #push(frame: Omit<Frame, 'nodes' | 'next' | 'pending'>): void {
    // The pending one is the walk itself: the frame settles only when its last name has been seen.
    this.#stack.push({ ...frame, nodes: Array.from({ length: frame.names.length }), next: 0, pending: 1 });
    if (frame.parent !== undefined) frame.parent.pending++;
  }

  #sortedNames(fd: number): Buffer[] {
    const names = readDirectory(fd).map((entry) => entry.name);
    this.#directoriesRead++;
    return names.toSorted(compareNames);
  }

  /** Something below the frame is known, or the walk has left it. The last such event encodes it, and so on upwards. */
  #countDown(from: Frame): void {
    for (
      let frame: Frame | undefined = from;
      frame !== undefined && --frame.pending === 0;
      frame = frame.parent
    ) {
      if (frame.fd !== undefined) this.#release(frame.fd);
      const subtree = this.#trees.save(frame.nodes.filter((node) => node !== undefined));
      if (frame.parent === undefined || frame.own === undefined) this.#resolveRoot?.(subtree);
      else frame.parent.nodes[frame.slot] = { ...frame.own, subtree };
      if (frame.own !== undefined) this.#countDirectory(frame, subtree);
    }
  }

  #countDirectory(frame: Frame, subtree: string): void {
    const { counts, report } = this.#options;
    const action =
      frame.previousSubtree === undefined
        ? 'new'
        : frame.previousSubtree === subtree
          ? 'unchanged'
          : 'changed';
    if (action === 'new') counts.dirsNew++;
    else if (action === 'changed') counts.dirsChanged++;
    else counts.dirsUnmodified++;
    report({ type: 'item', action, path: frame.path, isDirectory: true, sizeBytes: 0, addedBytes: 0 });
  }

  #previousDirectory(frame: Frame, name: Buffer): TreeNode | undefined {
    const node = frame.previous?.get(name.toString('latin1'));
    return node?.type === 'dir' ? node : undefined;
  }

  /** A parent's folder that cannot be read is no reason to fail: its files are read afresh. */
  async #previousNodes(subtree: string | undefined): Promise<PreviousNodes | undefined> {
    if (subtree === undefined) return undefined;
    try {
      return nodesByName((await this.#options.trees.load(subtree)).nodes);
    } catch (error) {
      if (!(error instanceof TranshipError) || error.code === 'cancelled') throw error;
      return undefined;
    }
  }

  #adopt(fd: number): number {
    this.#open.add(fd);
    return fd;
  }

  #release(fd: number): void {
    if (this.#open.delete(fd)) close(fd);
    this.#wake();
  }

  /** Gone since its directory was read: what a running application does all the time, and no error (restic #2165). */
  #reportVanished(path: Buffer): void {
    this.#options.report({ type: 'warning', path, message: 'it was removed before it could be read' });
  }

  #reportError(path: Buffer, error: TranshipError): void {
    this.#options.counts.errors++;
    this.#options.report({ type: 'error', path, error });
  }
}

function referenceTo(entry: Entry): FileReference {
  return { directoryFd: entry.fd, name: entry.base.toString('latin1') };
}
