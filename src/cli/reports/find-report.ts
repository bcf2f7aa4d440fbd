import { isUtf8 } from 'node:buffer';
import { printableName } from '../../base/byte-name.ts';
import { describeError } from '../../base/errors.ts';
import type { BlobType } from '../../repository/format/blob.ts';
import { jsonString, jsonStringOfBytes } from '../../repository/format/go-json.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';
import type { PackSlice } from '../../repository/loaded-index.ts';
import type { SearchError, SearchHit } from '../../repository/snapshot-search.ts';
import type { StoredSnapshot } from '../../repository/snapshots.ts';
import { exitCode } from '../exit-code.ts';
import { fileModeText } from '../file-mode-text.ts';
import { formatLocalTime } from '../local-time.ts';
import { longLine } from '../node-line.ts';
import type { Output } from '../output.ts';
import { jsonPath } from './json-path.ts';

type NodeHit = Extract<SearchHit, { type: 'node' }>;
type ObjectHit = Extract<SearchHit, { type: 'object' }>;

export interface FindReportOptions {
  readonly long: boolean;
  readonly humanReadable: boolean;
  /** Where a blob stands; undefined where packs are not asked for. */
  readonly locate: ((kind: BlobType, id: string) => PackSlice | undefined) | undefined;
}

/**
 * Prints what was found as restic's find does; as JSON one array in one line, written as it comes: of snapshots with
 * their matches, or of blobs.
 */
export class FindReport {
  readonly #output: Output;
  readonly #options: FindReportOptions;
  readonly #found: Readonly<Record<BlobType, Set<string>>> = { data: new Set(), tree: new Set() };
  /** The snapshot whose matches are being listed. */
  #listed: StoredSnapshot | undefined;
  #hits = 0;
  #isPartial = false;

  constructor(output: Output, options: FindReportOptions) {
    this.#output = output;
    this.#options = options;
  }

  get exitCode(): number {
    return this.#isPartial ? exitCode.partial : exitCode.done;
  }

  add(snapshot: StoredSnapshot, event: SearchHit | SearchError): void {
    if (event.type === 'error') this.#error(snapshot, event);
    else if (event.type === 'node') this.#node(snapshot, event);
    else this.#object(snapshot, event);
  }

  /** `wanted` are ids that were asked for in full: their packs are told even where no snapshot has them. */
  finish(wanted: Readonly<Record<BlobType, Iterable<string>>>): void {
    if (this.#output.json) {
      if (this.#listed !== undefined) this.#output.piece(endOfMatches(this.#listed, this.#hits));
      this.#output.raw(this.#listed === undefined && this.#hits === 0 ? '[]' : ']');
      return;
    }
    for (const kind of ['data', 'tree'] as const) {
      for (const id of new Set([...wanted[kind], ...this.#found[kind]])) this.#tellPack(kind, id);
    }
  }

  #node(snapshot: StoredSnapshot, { path, node }: NodeHit): void {
    const isNext = snapshot !== this.#listed;
    const output = this.#output;
    if (output.json) {
      const start = this.#listed === undefined ? '[' : `${endOfMatches(this.#listed, this.#hits)},`;
      if (isNext) this.#hits = 0;
      output.piece(`${isNext ? `${start}{"matches":[` : ','}${nodeJson(path, node)}`);
    } else {
      if (isNext && this.#listed !== undefined) output.info('');
      if (isNext) output.info(`Found matching entries in snapshot ${snapshotText(snapshot, ' from ')}`);
      const { long, humanReadable } = this.#options;
      output.print(long ? longLine(path, node, humanReadable) : printableName(path));
    }
    this.#listed = snapshot;
    this.#hits++;
  }

  #object(snapshot: StoredSnapshot, hit: ObjectHit): void {
    const { kind, id, path, parentTree } = hit;
    const output = this.#output;
    const noun = kind === 'data' ? 'blob' : 'tree';
    if (output.json) {
      const packId = this.#options.locate?.(kind, id)?.packId;
      output.piece(`${this.#hits === 0 ? '[' : ','}${objectJson(snapshot, hit, noun, packId)}`);
    } else {
      if (this.#options.locate !== undefined) this.#found[kind].add(id);
      output.print(`Found ${noun} ${id}`);
      output.print(` ... ${kind === 'data' ? 'in file' : 'path'} ${printableName(path)}`);
      if (parentTree !== undefined) output.print(`     (tree ${parentTree})`);
      output.print(` ... in snapshot ${snapshotText(snapshot, ' (')})`);
    }
    this.#hits++;
  }

  #error(snapshot: StoredSnapshot, { path, error }: SearchError): void {
    this.#isPartial = true;
    const reason = describeError(error);
    this.#output.itemError(`snapshot ${snapshot.id.slice(0, 8)}, ${printableName(path)}: ${reason}`, {
      message_type: 'error',
      error: { message: reason },
      during: 'find',
      ...jsonPath('item', path),
      snapshot_id: snapshot.id,
    });
  }

  #tellPack(kind: BlobType, id: string): void {
    const { locate } = this.#options;
    if (locate === undefined) return;
    const slice = locate(kind, id);
    if (slice === undefined) {
      this.#output.print(`Object ${id} of type ${kind} is not in the index`);
      return;
    }
    const { packId, offset, length, uncompressedLength } = slice;
    this.#output.print(`Object belongs to pack ${packId}`);
    this.#output.print(
      ` ... Pack ${packId.slice(0, 8)}: <Blob (${kind}) ${id.slice(0, 8)}, offset ${offset}, length ${length}, ` +
        `uncompressed length ${uncompressedLength}>`,
    );
  }
}

function snapshotText({ id, timeNs }: StoredSnapshot, separator: string): string {
  return `${id.slice(0, 8)}${separator}${formatLocalTime(Number(timeNs / 1_000_000n))}`;
}

function endOfMatches(snapshot: StoredSnapshot, hits: number): string {
  return `],"hits":${hits},"snapshot":"${snapshot.id}"}`;
}

/** restic's members in its order; names and contents are not among them. */
function nodeJson(path: Buffer, node: TreeNode): string {
  const { user, group, inode = 0n, deviceId = 0n, size = 0, links = 0, linkTarget, error } = node;
  const members = [
    `"path":${jsonStringOfBytes(path)}`,
    ...rawPath(path),
    `"permissions":${jsonString(fileModeText(node.mode))}`,
    `"type":${jsonString(node.type)}`,
    ...(node.mode === 0 ? [] : [`"mode":${node.mode}`]),
    `"mtime":${jsonString(node.mtime)}`,
    `"atime":${jsonString(node.atime)}`,
    `"ctime":${jsonString(node.ctime)}`,
    `"uid":${node.uid}`,
    `"gid":${node.gid}`,
    ...(user === undefined ? [] : [`"user":${jsonString(user)}`]),
    ...(group === undefined ? [] : [`"group":${jsonString(group)}`]),
    ...(inode === 0n ? [] : [`"inode":${inode}`]),
    ...(deviceId === 0n ? [] : [`"device_id":${deviceId}`]),
    ...(size === 0 ? [] : [`"size":${size}`]),
    ...(links === 0 ? [] : [`"links":${links}`]),
    ...(linkTarget === undefined ? [] : [`"linktarget":${jsonStringOfBytes(linkTarget)}`]),
    ...(error === undefined ? [] : [`"error":${jsonString(error)}`]),
  ];
  return `{${members.join(',')}}`;
}

/** restic's members, and `pack_id`, which is ours: restic prints packs as text even among JSON. */
function objectJson(
  snapshot: StoredSnapshot,
  { id, path, parentTree }: ObjectHit,
  noun: string,
  packId: string | undefined,
): string {
  const members = [
    `"object_type":"${noun}"`,
    `"id":"${id}"`,
    `"path":${jsonStringOfBytes(path)}`,
    ...rawPath(path),
    ...(parentTree === undefined ? [] : [`"parent_tree":"${parentTree}"`]),
    `"snapshot":"${snapshot.id}"`,
    `"time":${jsonString(snapshot.time)}`,
    ...(packId === undefined ? [] : [`"pack_id":"${packId}"`]),
  ];
  return `{${members.join(',')}}`;
}

function rawPath(path: Buffer): string[] {
  return isUtf8(path) ? [] : [`"path_base64":"${path.toString('base64')}"`];
}
