/** Checks the write order that every promise rests on, in a trace: packs, then index, then snapshot. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { openBlob } from '../../src/repository/blob-reader.ts';
import type { Compressor } from '../../src/repository/compression/compressor.ts';
import { createCompressor } from '../../src/repository/compression/open-compressor.ts';
import type { Cipher, MasterKey } from '../../src/repository/crypto/cipher.ts';
import { createCipher } from '../../src/repository/crypto/open-cipher.ts';
import type { BlobType, PackedBlob } from '../../src/repository/format/blob.ts';
import { keyOf } from '../../src/repository/format/file-kind.ts';
import { decodeIndexFile } from '../../src/repository/format/index-file.ts';
import { decodeSnapshot } from '../../src/repository/format/snapshot.ts';
import { decodeTree } from '../../src/repository/format/tree.ts';
import { decodeUnpacked } from '../../src/repository/format/unpacked.ts';
import type { Trace, TraceEntry } from './providers/trace.ts';

export interface OrderOptions {
  readonly masterKey: MasterKey;
  /** What the store held before the first request. Default: nothing. */
  readonly initial?: ReadonlyMap<string, Uint8Array> | undefined;
}

interface IndexedBlob extends PackedBlob {
  readonly packId: string;
}

const DOCUMENT_LIMIT_BYTES = 64 * 2 ** 20;
const STORING: ReadonlySet<string> = new Set(['put', 'complete-multipart']);
/** Kinds of file that are named by the SHA-256 of their bytes. */
const NAMED_BY_HASH = /^(?:data|index|snapshots|keys|locks)\//;

/** Fails with every breach of the order; the trace must have kept the bytes. */
export function assertWriteOrder(trace: Trace, options: OrderOptions): void {
  assert.deepEqual(orderBreaches(trace.entries, options), []);
}

/**
 * Every breach of the order as a line; none when these held:
 * - Each pack that an index names had been stored before the put of that index began.
 * - Each blob that a snapshot needs stood in an index that had been stored before the put of that snapshot began.
 * - Nothing but locks was deleted, nothing was stored with other bytes than its name says or than it had.
 */
export function orderBreaches(entries: readonly TraceEntry[], options: OrderOptions): string[] {
  return new OrderChecker(entries, options).breaches();
}

class OrderChecker {
  readonly #entries: readonly TraceEntry[];
  readonly #initial: ReadonlyMap<string, Uint8Array>;
  readonly #cipher: Cipher;
  readonly #compressor: Compressor = createCompressor();

  constructor(entries: readonly TraceEntry[], options: OrderOptions) {
    this.#entries = entries;
    this.#initial = options.initial ?? new Map();
    this.#cipher = createCipher(options.masterKey);
  }

  breaches(): string[] {
    return this.#entries.flatMap((entry) => {
      if (entry.kind === 'delete') return this.#deletionBreaches(entry);
      if (!STORING.has(entry.kind)) return [];
      const bytes = bytesOf(entry);
      const found = this.#nameBreaches(entry, bytes);
      if (entry.key.startsWith('index/')) return [...found, ...this.#indexBreaches(entry, bytes)];
      if (entry.key.startsWith('snapshots/')) return [...found, ...this.#snapshotBreaches(entry, bytes)];
      return found;
    });
  }

  #deletionBreaches({ key }: TraceEntry): string[] {
    return key.startsWith('locks/') ? [] : [`${key} was deleted`];
  }

  #nameBreaches({ key, began }: TraceEntry, bytes: Uint8Array): string[] {
    const breaches: string[] = [];
    if (NAMED_BY_HASH.test(key) && createHash('sha256').update(bytes).digest('hex') !== basename(key)) {
      breaches.push(`${key} does not hash to its name`);
    }
    const before = this.#storedBefore(began).get(key);
    if (before !== undefined && !Buffer.from(before).equals(bytes)) {
      breaches.push(`${key} was overwritten with other bytes`);
    }
    return breaches;
  }

  #indexBreaches(entry: TraceEntry, bytes: Uint8Array): string[] {
    const stored = this.#storedBefore(entry.began);
    const { packs } = decodeIndexFile(this.#document(entry.key, bytes), entry.key);
    return packs.flatMap(({ id }) => {
      return stored.has(keyOf('data', id)) ? [] : [`${entry.key} was begun before pack ${id} was stored`];
    });
  }

  /** Walks everything below the snapshot with nothing but what had been stored when it was begun. */
  #snapshotBreaches(entry: TraceEntry, bytes: Uint8Array): string[] {
    const stored = this.#storedBefore(entry.began);
    const index = this.#indexOf(stored);
    const breaches: string[] = [];
    const missing = (type: BlobType, id: string): void => {
      breaches.push(`${entry.key} was begun before an index with ${type} blob ${id} was stored`);
    };
    const seen = new Set<string>();
    const trees = [decodeSnapshot(this.#document(entry.key, bytes), entry.key).tree];
    for (let id = trees.pop(); id !== undefined; id = trees.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      const blob = index.get(`tree ${id}`);
      const pack = blob === undefined ? undefined : stored.get(keyOf('data', blob.packId));
      if (blob === undefined || pack === undefined) {
        missing('tree', id);
        continue;
      }
      for (const node of this.#nodesOf(blob, pack)) {
        if (node.subtree !== undefined) trees.push(node.subtree);
        for (const content of node.content ?? []) {
          const data = index.get(`data ${content}`);
          if (data === undefined || !stored.has(keyOf('data', data.packId))) missing('data', content);
        }
      }
    }
    return breaches;
  }

  #nodesOf(blob: IndexedBlob, pack: Uint8Array) {
    const sealed = pack.subarray(blob.offset, blob.offset + blob.length);
    const expected = { id: blob.id, uncompressedLength: blob.uncompressedLength ?? 0 };
    const tools = { cipher: this.#cipher, compressor: this.#compressor };
    return decodeTree(openBlob(sealed, expected, blob.packId, tools), `tree ${blob.id}`).nodes;
  }

  #indexOf(stored: ReadonlyMap<string, Uint8Array>): Map<string, IndexedBlob> {
    const index = new Map<string, IndexedBlob>();
    for (const [key, bytes] of stored) {
      if (!key.startsWith('index/')) continue;
      for (const { id: packId, blobs } of decodeIndexFile(this.#document(key, bytes), key).packs) {
        for (const blob of blobs) index.set(`${blob.type} ${blob.id}`, { ...blob, packId });
      }
    }
    return index;
  }

  /** What was surely there at a position: puts that had succeeded, without what a deletion may have removed. */
  #storedBefore(position: number): Map<string, Uint8Array> {
    const stored = new Map(this.#initial);
    for (const entry of this.#entries) {
      if (entry.kind === 'delete' && entry.began < position) stored.delete(entry.key);
      else if (STORING.has(entry.kind) && entry.ended < position && entry.outcome === 'done') {
        stored.set(entry.key, bytesOf(entry));
      }
    }
    return stored;
  }

  #document(key: string, sealed: Uint8Array): Uint8Array {
    return decodeUnpacked(this.#cipher.open(sealed), this.#compressor, DOCUMENT_LIMIT_BYTES, key);
  }
}

function bytesOf(entry: TraceEntry): Uint8Array {
  if (entry.bytes === undefined) throw new Error('a trace without bytes cannot be checked');
  return entry.bytes;
}
