import { unpackError } from '../../base/error-transport.ts';
import { FileSystemError, RepositoryError } from '../../base/errors.ts';
import type { TranshipError } from '../../base/errors.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';
import type { StoredFile, StoreFileResult } from '../pipeline/protocol.ts';
import {
  fileNodeText,
  nameText,
  nodeAttributesAt,
  otherNodeText,
  statusHead,
} from '../source/source-node.ts';
import type { ImageSource, StreamSource } from '../source/source-roots.ts';
import type { FileListener, FileQueue } from './file-queue.ts';
import { isKept } from './kept-file.ts';
import { isUnchanged } from './parent.ts';
import type { ChangeDetection } from './parent.ts';
import type { PreviousTree } from './previous-tree.ts';
import type { ReliedBlobs } from './relied-blobs.ts';
import type { StageCounts, StageEvent } from './stage-events.ts';
import { childPath } from './tree-frame.ts';
import type { Entry, Frame, Place } from './tree-frame.ts';

export interface LeafStagerOptions {
  readonly files: FileQueue;
  readonly relied: ReliedBlobs;
  readonly counts: StageCounts;
  readonly detection: ChangeDetection;
  readonly report: (event: StageEvent) => void;
}

/** What the walk does when an entry that was being stored is known. */
export interface LeafOwner {
  /** One of the frame's entries that it waits for is known. */
  settle(frame: Frame): void;
  release(fd: number): void;
  fail(error: unknown): void;
}

type ItemEvent = Extract<StageEvent, { type: 'item' }>;

/** A file that was dealt with. Its path is made when somebody asks: most passes report none of their many files. */
class StagedFile implements ItemEvent {
  readonly type = 'item';
  readonly isDirectory = false;
  readonly action: ItemEvent['action'];
  readonly sizeBytes: number;
  readonly addedBytes: number;
  readonly #frame: Frame;
  readonly #place: Place;

  constructor(
    frame: Frame,
    place: Place,
    action: ItemEvent['action'],
    bytes: Pick<ItemEvent, 'sizeBytes' | 'addedBytes'>,
  ) {
    this.#frame = frame;
    this.#place = place;
    this.action = action;
    this.sizeBytes = bytes.sizeBytes;
    this.addedBytes = bytes.addedBytes;
  }

  get path(): Uint8Array {
    return childPath(this.#frame.path, this.#place.name);
  }
}

/** Stages what is no directory: takes unchanged entries over from the parent, and has the other files stored. */
export class LeafStager {
  readonly #options: LeafStagerOptions;
  readonly #owner: LeafOwner;

  constructor(options: LeafStagerOptions, owner: LeafOwner) {
    this.#options = options;
    this.#owner = owner;
  }

  stage(frame: Frame, entry: Entry): void {
    if (entry.status.type === 'file') {
      this.#stageFile(frame, entry);
      return;
    }
    const node = otherNodeText(entry.fd, entry.base, entry.name, entry.status);
    const previous = previousOf(frame, entry);
    if (previous?.equals(node) === true) previous.keep();
    else if (previous !== undefined) parsePrevious(frame, previous, entry);
    frame.nodes[entry.slot] = node;
    this.#options.counts.othersProcessed++;
    this.#leave(entry);
  }

  /** Counts and reports a file that is as the parent has it, and whose node is among those of the frame. */
  keepFile(frame: Frame, place: Place, sizeBytes: number): void {
    const { counts, report } = this.#options;
    counts.filesUnmodified++;
    counts.bytesProcessed += sizeBytes;
    report(new StagedFile(frame, place, 'unchanged', { sizeBytes, addedBytes: 0 }));
  }

  /** Read every time: nothing tells whether a device has changed. */
  stageDevice(frame: Frame, entry: Entry, { timeNs }: ImageSource): void {
    const known = previousOf(frame, entry);
    const previous = known === undefined ? undefined : parsePrevious(frame, known, entry);
    this.#await(frame);
    this.#options.files.storeDevice(referenceTo(entry), timeNs, this.#listener(frame, entry, previous));
  }

  stageStream(frame: Frame, place: Place, stream: StreamSource): void {
    const known = previousOf(frame, place);
    const previous = known === undefined ? undefined : parsePrevious(frame, known, place);
    this.#await(frame);
    this.#options.files
      .storeStream(stream, place.name)
      .then((file) => {
        this.#fileStored(frame, place, previous, file);
        this.#owner.settle(frame);
      })
      .catch((error: unknown) => this.#owner.fail(error));
  }

  #stageFile(frame: Frame, entry: Entry): void {
    const previous = previousOf(frame, entry);
    if (previous === undefined) {
      this.#storeFile(frame, entry, undefined);
      return;
    }
    const head = statusHead(entry.name, entry.status);
    if (previous.startsWith(head) && isKept(entry, head, previous, this.#options.relied)) {
      frame.nodes[entry.slot] = previous.keep();
      this.keepFile(frame, entry, entry.status.sizeBytes);
      this.#leave(entry);
      return;
    }
    const node = parsePrevious(frame, previous, entry);
    if (node !== undefined && this.#takesOver(node, entry)) {
      const attributes = nodeAttributesAt(entry.fd, entry.base);
      frame.nodes[entry.slot] = fileNodeText(head, attributes, node.content ?? []);
      this.keepFile(frame, entry, entry.status.sizeBytes);
      this.#leave(entry);
      return;
    }
    this.#storeFile(frame, entry, node);
  }

  #storeFile(frame: Frame, entry: Entry, previous: TreeNode | undefined): void {
    this.#await(frame);
    const listener = this.#listener(frame, entry, previous);
    this.#options.files.store(referenceTo(entry), entry.status.sizeBytes, listener);
  }

  #takesOver(node: TreeNode, entry: Entry): boolean {
    const { detection, relied } = this.#options;
    return (
      isUnchanged(node, entry.status, detection) &&
      relied.addContent(Buffer.from(node.content.join(''), 'hex'))
    );
  }

  /** The entry's node is not known yet, and its folder must stay open until then. */
  #await(frame: Frame): void {
    frame.pending++;
    frame.users++;
  }

  #listener(frame: Frame, entry: Entry, previous: TreeNode | undefined): FileListener {
    return {
      done: (result) => this.#fileDone(frame, entry, previous, result),
      failed: (error) => this.#owner.fail(error),
    };
  }

  #fileDone(frame: Frame, entry: Entry, previous: TreeNode | undefined, result: StoreFileResult): void {
    try {
      if (result.outcome === 'failed') this.#fileFailed(frame, entry, unpackError(result.error));
      else this.#fileStored(frame, entry, previous, result.file);
      this.#owner.settle(frame);
    } finally {
      this.#leave(entry);
    }
  }

  #fileFailed(frame: Frame, entry: Entry, error: Error): void {
    if (!(error instanceof FileSystemError)) throw error;
    const path = childPath(frame.path, entry.name);
    if (error.errno === 'ENOENT') reportVanished(this.#options, path);
    else reportError(this.#options, path, error);
  }

  #fileStored(frame: Frame, place: Place, previous: TreeNode | undefined, file: StoredFile): void {
    const { counts, relied, report } = this.#options;
    frame.nodes[place.slot] = file.node;
    for (const id of file.known) relied.add('data', id);
    const action = previous?.type === 'file' ? 'changed' : 'new';
    if (action === 'new') counts.filesNew++;
    else counts.filesChanged++;
    report(new StagedFile(frame, place, action, file));
    if (file.changedWhileRead) {
      const path = childPath(frame.path, place.name);
      report({ type: 'warning', path, message: 'the file changed while it was read' });
    }
  }

  /** Closes the folder of a source that is a file; that of any other entry belongs to its frame. */
  #leave(entry: Entry): void {
    if (entry.ownsFd) this.#owner.release(entry.fd);
  }
}

/** The parent's folder, at the entry's node; undefined where it has none. */
export function previousOf(frame: Frame, { name }: Place): PreviousTree | undefined {
  const { previous } = frame;
  if (previous === undefined) return undefined;
  try {
    return previous.find(name, nameText(name)) ? previous : undefined;
  } catch (error) {
    return forgetPrevious(frame, error);
  }
}

/** The node that `previousOf` has found. */
export function parsePrevious(frame: Frame, previous: PreviousTree, { name }: Place): TreeNode | undefined {
  try {
    return previous.parse(name);
  } catch (error) {
    return forgetPrevious(frame, error);
  }
}

/** A parent's folder that cannot be read is no reason to fail: its files are read afresh. */
function forgetPrevious(frame: Frame, error: unknown): undefined {
  if (!(error instanceof RepositoryError)) throw error;
  frame.previous = undefined;
  return undefined;
}

/** Gone since its directory was read: what a running application does all the time, and no error (restic #2165). */
export function reportVanished({ report }: Pick<LeafStagerOptions, 'report'>, path: Buffer): void {
  report({ type: 'warning', path, message: 'it was removed before it could be read' });
}

export function reportError(
  { counts, report }: Pick<LeafStagerOptions, 'counts' | 'report'>,
  path: Buffer,
  error: TranshipError,
): void {
  counts.errors++;
  report({ type: 'error', path, error });
}

function referenceTo({ fd, base, name }: Entry): {
  directoryFd: number;
  name: string;
  storedName: string | undefined;
} {
  return { directoryFd: fd, name: base, storedName: base === name ? undefined : name };
}
