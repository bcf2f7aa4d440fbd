import pLimit from 'p-limit';
import { throwIfAborted } from '../base/errors.ts';
import { isDamage, loadBlob, missingBlob, openBlob } from './blob-reader.ts';
import { keyOf } from './format/file-kind.ts';
import type { LoadedIndex, PackSlice } from './loaded-index.ts';
import type { Repository } from './repository.ts';

/** Data blobs to be read, and marks that come out between them where they went in, with the memory that each holds. */
export type ReadingItem<Mark> =
  { readonly blob: string } | { readonly mark: Mark; readonly sizeBytes: number };

/** The plaintext of a blob, which must not be changed, or a mark. */
export type ReadItem<Mark> = { readonly data: Buffer } | { readonly mark: Mark };

/**
 * Blobs that are fetched together, sealed, and the marks between them. Two windows exist at once, one being read and
 * one on its way: with the gaps, which are at most as much again, 64 MiB, and what the last item of each has too much.
 */
const windowBytes = 16 * 2 ** 20;
const windowItems = 4096;
/** A request's span, unless one blob is larger: a window is several of them, so that they travel side by side. */
const largestSpanBytes = 4 * 2 ** 20;
const parallelRequests = 8;

/** A part of a pack on its way. */
interface Span {
  readonly packId: string;
  readonly start: number;
  end: number;
  /** Bytes of wanted blobs; the rest are gaps between them. */
  wantedBytes: number;
  bytes: Promise<Uint8Array>;
}

interface WantedBlob {
  readonly id: string;
  readonly slice: PackSlice;
}

interface Window<Mark> {
  readonly items: readonly ReadingItem<Mark>[];
  readonly spans: ReadonlyMap<string, Span>;
}

/**
 * Reads data blobs in the order given, holding a bounded number of bytes of blobs and marks ahead: blobs that stand
 * near each other in a pack come with one request, and requests travel side by side. Every blob is checked against its
 * id, and a damaged answer fetched once more. Guaranteed when it has ended, however it does: no request goes on.
 * Throws RepositoryError `corrupt`, StoreError, CancelledError.
 */
export async function* readAhead<Mark>(
  repository: Repository,
  index: LoadedIndex,
  items: AsyncIterable<ReadingItem<Mark>> | Iterable<ReadingItem<Mark>>,
  signal?: AbortSignal,
): AsyncGenerator<ReadItem<Mark>, void, undefined> {
  const reading = new BlobReading(repository, index, items, signal);
  let next = reading.nextWindow();
  try {
    for (;;) {
      const window = await next;
      if (window.items.length === 0) return;
      next = reading.nextWindow();
      // It is looked at when this window is done; until then its failure is nobody's.
      next.catch(() => {});
      yield* reading.read(window);
    }
  } finally {
    await Promise.allSettled([reading.end(), next]);
  }
}

class BlobReading<Mark> {
  readonly #repository: Repository;
  readonly #index: LoadedIndex;
  readonly #items: AsyncGenerator<ReadingItem<Mark>, void, undefined>;
  readonly #signal: AbortSignal | undefined;
  readonly #ended = new AbortController();
  readonly #limit;
  readonly #requests = new Set<Promise<Uint8Array>>();

  constructor(
    repository: Repository,
    index: LoadedIndex,
    items: AsyncIterable<ReadingItem<Mark>> | Iterable<ReadingItem<Mark>>,
    signal: AbortSignal | undefined,
  ) {
    this.#repository = repository;
    this.#index = index;
    this.#items = iterate(items);
    this.#signal = signal;
    this.#limit = pLimit(Math.min(parallelRequests, repository.store.capabilities.connections));
  }

  /** Takes items until the window is full, and asks for their blobs. An empty window is the end. */
  async nextWindow(): Promise<Window<Mark>> {
    const items: ReadingItem<Mark>[] = [];
    const wanted = new Map<string, WantedBlob>();
    for (let bytes = 0; bytes < windowBytes && items.length < windowItems;) {
      const step = await this.#items.next();
      throwIfAborted(this.#ended.signal);
      if (step.done === true) break;
      items.push(step.value);
      if ('mark' in step.value) {
        bytes += step.value.sizeBytes;
        continue;
      }
      if (wanted.has(step.value.blob)) continue;
      const id = step.value.blob;
      const slice = this.#index.locate('data', id);
      if (slice === undefined) throw missingBlob('data', id);
      wanted.set(id, { id, slice });
      bytes += slice.length;
    }
    return { items, spans: this.#request([...wanted.values()]) };
  }

  async *read({ items, spans }: Window<Mark>): AsyncGenerator<ReadItem<Mark>, void, undefined> {
    let last: { readonly id: string; readonly data: Buffer } | undefined;
    for (const item of items) {
      throwIfAborted(this.#signal);
      if ('mark' in item) {
        yield item;
        continue;
      }
      // Holes are the same blob over and over.
      if (last?.id !== item.blob) last = { id: item.blob, data: await this.#open(item.blob, spans) };
      yield last;
    }
  }

  /** Stops all requests and waits until they have stopped. */
  async end(): Promise<void> {
    this.#ended.abort();
    await Promise.allSettled(this.#requests);
    await this.#items.return();
  }

  #request(blobs: readonly WantedBlob[]): ReadonlyMap<string, Span> {
    const spans = new Map<string, Span>();
    let span: Span | undefined;
    for (const { id, slice } of blobs.toSorted(byPlace)) {
      if (span === undefined || !joins(span, slice)) {
        const { packId, offset: start } = slice;
        span = { packId, start, end: start, wantedBytes: 0, bytes: emptyBytes };
      }
      span.end = Math.max(span.end, slice.offset + slice.length);
      span.wantedBytes += slice.length;
      spans.set(id, span);
    }
    // In the order of reading: what is wanted first is on its way first.
    for (const started of new Set(blobs.map(({ id }) => spans.get(id)))) {
      if (started !== undefined) started.bytes = this.#fetch(started);
    }
    return spans;
  }

  #fetch({ packId, start, end }: Span): Promise<Uint8Array> {
    const signal =
      this.#signal === undefined ? this.#ended.signal : AbortSignal.any([this.#signal, this.#ended.signal]);
    const request: Promise<Uint8Array> = this.#limit(() =>
      this.#repository.store.get(keyOf('data', packId), { range: { start, end }, signal }),
    );
    this.#requests.add(request);
    const forget = (): void => void this.#requests.delete(request);
    request.then(forget, forget);
    return request;
  }

  async #open(id: string, spans: ReadonlyMap<string, Span>): Promise<Buffer> {
    const span = spans.get(id);
    const slice = this.#index.locate('data', id);
    if (span === undefined || slice === undefined) throw missingBlob('data', id);
    try {
      const bytes = await span.bytes;
      const offset = slice.offset - span.start;
      const sealed = bytes.subarray(offset, offset + slice.length);
      const { uncompressedLength } = slice;
      return openBlob(sealed, { id, uncompressedLength }, slice.packId, this.#repository);
    } catch (error) {
      if (!isDamage(error)) throw error;
      return loadBlob(this.#repository, this.#index, 'data', id, this.#signal);
    }
  }
}

const emptyBytes: Promise<Uint8Array> = Promise.resolve(new Uint8Array(0));

function byPlace({ slice: a }: WantedBlob, { slice: b }: WantedBlob): number {
  return a.packId === b.packId ? a.offset - b.offset : a.packId < b.packId ? -1 : 1;
}

/** Never more bytes of gaps than of blobs. */
function joins(span: Span, slice: PackSlice): boolean {
  const end = slice.offset + slice.length;
  return (
    span.packId === slice.packId &&
    end - span.start <= largestSpanBytes &&
    end - span.start <= 2 * (span.wantedBytes + slice.length)
  );
}

async function* iterate<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* items;
}
