import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { FileSystemError, RepositoryError, throwIfAborted } from '../../base/errors.ts';
import type { TranshipError } from '../../base/errors.ts';
import {
  close,
  openDirectoryAt,
  readDirectory,
  readLinkAt,
  statAtIfPresent,
} from '../../base/file-system.ts';
import type { FileStatus } from '../../base/file-system.ts';
import { chunksOf } from '../../repository/file-content.ts';
import { parseTimestamp } from '../../repository/format/timestamp.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';
import type { LoadedIndex } from '../../repository/loaded-index.ts';
import type { TreeLoader } from '../../repository/tree-loader.ts';
import type { Overwrite } from '../restore.ts';
import { nodeTypeOf } from '../source/source-node.ts';
import type { PathSelection } from '../source/path-selection.ts';
import { checkDevice, checkImagePlace } from './image-place.ts';
import { postable } from './metadata.ts';
import { PresentNames } from './present-names.ts';
import { emptyPlan } from './restore-plan.ts';
import type { FileAction, PlannedDirectory, RestorePlan } from './restore-plan.ts';

/** The walk is synchronous but for the trees it fetches: after this many entries it lets other work in. */
const entriesPerSlice = 2000;

export interface RestorePlannerOptions {
  readonly index: LoadedIndex;
  readonly trees: TreeLoader;
  readonly selection: PathSelection;
  readonly overwrite: Overwrite;
  readonly delete: boolean;
  readonly devices: boolean;
  /**
   * Set where one file is planned, an image, to what the user calls its place: a block device that stands there is
   * written to, and not replaced.
   */
  readonly imagePath: string | undefined;
  /** The target's descriptor, or undefined where the target is not there yet. */
  readonly targetFd: number | undefined;
  readonly reportError: (path: Uint8Array, error: TranshipError) => void;
  readonly reportWarning: (path: Uint8Array, message: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** A directory of the snapshot beside the one of the target that it goes to. */
interface Frame {
  readonly directory: number;
  readonly fd: number | undefined;
  readonly nodes: readonly TreeNode[];
  readonly path: Buffer;
  next: number;
}

/** Reads the snapshot and the target, changes nothing, and says what a restore has to do. */
export class RestorePlanner {
  readonly #options: RestorePlannerOptions;
  readonly #plan: RestorePlan = emptyPlan();
  /** First names of files with several links, by the inode they had. */
  readonly #linked = new Map<string, number>();
  readonly #present = new PresentNames();
  #handled = 0;

  constructor(options: RestorePlannerOptions) {
    this.#options = options;
  }

  /** Plans the contents of a tree into the target; `node` is the target's own metadata, where it is to have any. */
  async planTree(subtree: string, node: TreeNode | undefined): Promise<RestorePlan> {
    const { trees, targetFd } = this.#options;
    const { nodes } = await trees.load(subtree);
    const present = targetFd === undefined ? 'nothing' : 'directory';
    this.#plan.directories.push({ parent: 0, name: Buffer.alloc(0), node, present, isWanted: true });
    await this.#walk({ directory: 0, fd: targetFd, nodes, path: Buffer.alloc(0), next: 0 });
    return this.#plan;
  }

  /** Plans one file, link or device into the target. */
  async planNode(node: TreeNode): Promise<RestorePlan> {
    const present = this.#options.targetFd === undefined ? 'nothing' : 'directory';
    this.#plan.directories.push({
      parent: 0,
      name: Buffer.alloc(0),
      node: undefined,
      present,
      isWanted: true,
    });
    await this.#walk(
      { directory: 0, fd: this.#options.targetFd, nodes: [node], path: Buffer.alloc(0), next: 0 },
      false,
    );
    return this.#plan;
  }

  async #walk(root: Frame, mayDelete = true): Promise<void> {
    const stack = [root];
    try {
      for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
        const node = frame.nodes[frame.next++];
        if (node === undefined) {
          if (this.#options.delete && mayDelete) this.#planDeletions(frame);
          stack.pop();
          if (frame !== root && frame.fd !== undefined) close(frame.fd);
        } else {
          const child = await this.#planEntry(frame, node);
          if (child !== undefined) stack.push(child);
        }
        if (++this.#handled % entriesPerSlice === 0) {
          await yieldToEvents();
          throwIfAborted(this.#options.signal);
        }
      }
      for (const [index, file] of this.#plan.files.entries()) {
        if (!this.#present.areAll(index, file)) file.action = 'create';
      }
    } finally {
      for (const frame of stack) if (frame !== root && frame.fd !== undefined) close(frame.fd);
    }
  }

  /** Returns the frame of a directory, which is to be walked next. */
  async #planEntry(frame: Frame, node: TreeNode): Promise<Frame | undefined> {
    const path = Buffer.concat([frame.path, slash, node.name]);
    const { selection } = this.#options;
    try {
      if (node.type === 'dir') {
        if (!selection.selects(path) && !selection.mayBeBelow(path)) return undefined;
        return await this.#planDirectory(frame, node, path);
      }
      if (!selection.selects(path)) return undefined;
      const status = this.#statusOf(frame, node);
      if (node.type === 'file') this.#planFile(frame, node, status);
      else this.#planOther(frame, node, status, path);
    } catch (error) {
      if (!(error instanceof FileSystemError || error instanceof RepositoryError)) throw error;
      this.#options.reportError(path, error);
    }
    return undefined;
  }

  async #planDirectory(frame: Frame, node: TreeNode, path: Buffer): Promise<Frame | undefined> {
    const nodes = await this.#load(node, path);
    const status = this.#statusOf(frame, node);
    const present = status === undefined ? 'nothing' : status.type === 'directory' ? 'directory' : 'other';
    const isWanted = this.#options.selection.selects(path);
    const name = Buffer.from(node.name);
    if (present === 'other' && !this.#mayReplace(node, status)) {
      throw new FileSystemError(
        'conflict',
        'something that is no directory stands where a directory belongs',
        {
          advice: 'remove it, or restore with --overwrite always',
        },
      );
    }
    const keepsMetadata = present === 'directory' && this.#options.overwrite === 'never';
    const planned: PlannedDirectory = {
      parent: frame.directory,
      name,
      node: keepsMetadata ? undefined : node,
      present,
      isWanted,
    };
    const directory = this.#plan.directories.push(planned) - 1;
    if (isWanted) this.#want(frame.directory);
    const fd =
      present === 'directory' && frame.fd !== undefined ? openDirectoryAt(frame.fd, name) : undefined;
    return { directory, fd, nodes, path, next: 0 };
  }

  /** A tree that cannot be read loses what is below it, and every deletion: what it held must not count as extra. */
  async #load(node: TreeNode, path: Buffer): Promise<readonly TreeNode[]> {
    try {
      if (node.subtree === undefined) throw new RepositoryError('corrupt', 'the folder has no tree');
      return (await this.#options.trees.load(node.subtree)).nodes;
    } catch (error) {
      if (!(error instanceof RepositoryError)) throw error;
      this.#plan.hasTreeErrors = true;
      this.#options.reportError(path, error);
      return [];
    }
  }

  #planFile(frame: Frame, node: TreeNode, status: FileStatus | undefined): void {
    const key = (node.links ?? 1) > 1 ? `${node.deviceId}:${node.inode}` : undefined;
    const first = key === undefined ? undefined : this.#linked.get(key);
    const name = Buffer.from(node.name);
    const { imagePath } = this.#options;
    this.#want(frame.directory);
    if (imagePath !== undefined) checkImagePlace(imagePath, status, this.#options.overwrite);
    if (!this.#mayReplace(node, status)) return;
    if (first !== undefined && this.#hasSameContent(first, node)) {
      this.#refuseDirectory(status, 'hard link');
      if (status !== undefined) this.#present.add(first, status.inode);
      this.#plan.links.push({ directory: frame.directory, name, file: first });
      return;
    }
    this.#refuseDirectory(status, 'file');
    const { rows: chunks, sizeBytes } = chunksOf(this.#options.index, node);
    const isDevice = imagePath !== undefined && status?.type === 'block-device';
    if (isDevice && frame.fd !== undefined) checkDevice(frame.fd, name, sizeBytes);
    const action = isDevice ? 'compare' : this.#fileAction(node, status, sizeBytes);
    const isShared = !isDevice && (status?.links ?? 1) > 1;
    const presentInode = status?.inode;
    const presentLinks = isDevice ? 1 : (status?.links ?? 0);
    const { directory } = frame;
    const file =
      this.#plan.files.push({
        directory,
        name,
        node: postable(node),
        hasMoreNames: key !== undefined,
        sizeBytes,
        action,
        isShared,
        presentInode,
        presentLinks,
        isDevice,
        chunks,
      }) - 1;
    if (status !== undefined) this.#present.add(file, status.inode);
    if (key !== undefined) this.#linked.set(key, file);
  }

  /** A hostile tree may claim one inode for different files: only equal contents are linked. */
  #hasSameContent(file: number, node: TreeNode): boolean {
    const first = this.#plan.files[file];
    const content = node.content ?? [];
    if (first === undefined || first.chunks.length !== content.length) return false;
    return content.every((id, i) => this.#options.index.blobs.rowOf('data', id) === first.chunks[i]);
  }

  /** False for an entry that the overwrite mode leaves as it is. */
  #mayReplace(node: TreeNode, status: FileStatus | undefined): boolean {
    if (status === undefined || this.#options.overwrite === 'always') return true;
    if (this.#options.overwrite === 'never') return false;
    return this.#options.overwrite === 'if-changed' || status.mtimeNs < parseTimestamp(node.mtime);
  }

  #fileAction(node: TreeNode, status: FileStatus | undefined, sizeBytes: number): FileAction {
    const { overwrite } = this.#options;
    if (status?.type !== 'file') return 'create';
    const mtimeNs = parseTimestamp(node.mtime);
    // A file with more names than the snapshot knows is replaced: writing to it would change the other names' file.
    if (status.links !== (node.links ?? 1)) return 'create';
    if (overwrite === 'if-changed' && status.sizeBytes === sizeBytes && status.mtimeNs === mtimeNs)
      return 'keep';
    return 'compare';
  }

  #planOther(frame: Frame, node: TreeNode, status: FileStatus | undefined, path: Buffer): void {
    const isDevice = node.type === 'dev' || node.type === 'chardev';
    if (node.type === 'socket' || node.type === 'irregular' || (isDevice && !this.#options.devices)) {
      const advice = isDevice ? ' (use --devices to make it)' : '';
      this.#options.reportWarning(path, `a node of type ${node.type} is left out${advice}`);
      return;
    }
    this.#want(frame.directory);
    if (!this.#mayReplace(node, status)) return;
    this.#refuseDirectory(status, node.type);
    const replaces = status !== undefined && !this.#isSameOther(frame, node, status);
    const isThere = status !== undefined && !replaces;
    const name = Buffer.from(node.name);
    this.#plan.others.push({
      directory: frame.directory,
      name,
      node,
      present: isThere ? 'same' : replaces ? 'other' : 'nothing',
    });
  }

  #isSameOther(frame: Frame, node: TreeNode, status: FileStatus): boolean {
    if (nodeTypeOf(status) !== node.type) return false;
    if (node.type === 'symlink' && frame.fd !== undefined) {
      return readLinkAt(frame.fd, node.name).equals(node.linkTarget ?? Buffer.alloc(0));
    }
    return node.type === 'fifo' || status.rdev === (node.device ?? 0n);
  }

  #refuseDirectory(status: FileStatus | undefined, wanted: string): void {
    if (status?.type !== 'directory' || this.#options.delete) return;
    throw new FileSystemError('conflict', `a directory stands where a ${wanted} belongs`, {
      advice: 'remove it, or restore with --delete',
    });
  }

  #planDeletions(frame: Frame): void {
    if (frame.fd === undefined) return;
    const kept = new Set(frame.nodes.map((node) => Buffer.from(node.name).toString('latin1')));
    for (const { name } of readDirectory(frame.fd)) {
      if (kept.has(name.toString('latin1'))) continue;
      if (!this.#options.selection.selects(Buffer.concat([frame.path, slash, name]))) continue;
      const isDirectory = statAtIfPresent(frame.fd, name)?.type === 'directory';
      this.#plan.deletions.push({ directory: frame.directory, name: Buffer.from(name), isDirectory });
    }
  }

  #statusOf(frame: Frame, node: TreeNode): FileStatus | undefined {
    return frame.fd === undefined ? undefined : statAtIfPresent(frame.fd, node.name);
  }

  /** A folder that itself was not asked for is made when something below it was. */
  #want(directory: number): void {
    for (let index = directory; index > 0;) {
      const entry = this.#plan.directories[index];
      if (entry === undefined || entry.isWanted) return;
      entry.isWanted = true;
      index = entry.parent;
    }
  }
}

const slash = Buffer.from('/');
