import { packError } from '../../base/error-transport.ts';
import { FileSystemError } from '../../base/errors.ts';
import { close, contentBytes, nextData, nextHole, openFileAt, statFd } from '../../base/file-system.ts';
import type { Latin1Name } from '../../base/file-system.ts';
import { chunkSizes } from '../../repository/chunker/chunker.ts';
import type { Chunker } from '../../repository/chunker/chunker.ts';
import type { BlobSealer, SealedInto } from './blob-sealer.ts';
import { storedFileOf } from './stored-file.ts';
import { FileWindow, readFully } from './file-window.ts';
import { isZero } from './zero-bytes.ts';
import type {
  ByteSource,
  Cut,
  FileReference,
  Jobs,
  StoredContent,
  StoredFile,
  StoreFileResult,
} from './protocol.ts';

/** Reads files into the chunker's window, cuts them, and hands the chunks to the sealer. */
export class FileStorer {
  readonly #chunker: Chunker;
  readonly #sealer: BlobSealer;
  /**
   * Length of the chunk that an endless run of zeros is cut into: such chunks need not be read. Told by the first
   * cuts, since it takes 8 MiB of the window, which small files never touch.
   */
  #zeroChunkBytes = 0;
  /** The chunker's window. */
  readonly #window: Buffer;

  constructor(chunker: Chunker, sealer: BlobSealer) {
    this.#chunker = chunker;
    this.#sealer = sealer;
    const { buffer, byteOffset, byteLength } = chunker.window;
    this.#window = Buffer.from(buffer, byteOffset, byteLength);
  }

  /** Stores one whole file; a file that cannot be read is a result, not an error, since the pass goes on. */
  async storeFile(reference: FileReference): Promise<StoreFileResult> {
    let fd: number;
    try {
      fd = openFileAt(reference.directoryFd, reference.name);
    } catch (error) {
      return { outcome: 'failed', error: packError(error) };
    }
    try {
      const name = reference.storedName ?? reference.name;
      return { outcome: 'stored', file: await this.#storeOpenFile(fd, name) };
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      return { outcome: 'failed', error: packError(error) };
    } finally {
      close(fd);
    }
  }

  async #storeOpenFile(fd: number, name: Latin1Name): Promise<StoredFile> {
    const status = statFd(fd);
    if (status.type !== 'file') {
      throw new FileSystemError('conflict', `the file became a ${status.type} while it was being opened`);
    }
    const content = new ContentList();
    const view = new FileWindow(this.#chunker.window, { kind: 'file', fd }, 0, status.sizeBytes);
    for (;;) {
      if (!view.isReady) view.refill();
      const length = this.#chunker.nextChunk(view.start, view.end, view.isEnd);
      if (length === 0) break;
      content.add(await this.#sealer.store('data', view.chunk(length)));
      view.advance(length);
    }
    return storedFileOf(fd, name, status, content.stored(view.position));
  }

  /**
   * Cuts of a large file or a section from a cut on: a chunker starts afresh at each cut, so every section is exact by
   * itself.
   */
  findCuts(request: Jobs['find-cuts']['request']): Jobs['find-cuts']['response'] {
    const cuts: Cut[] = [];
    if (this.#zeroChunkBytes === 0) this.#zeroChunkBytes = zeroChunkBytesOf(this.#chunker);
    const view = new FileWindow(this.#chunker.window, request.source, request.position);
    while (view.position - request.position < request.budgetBytes) {
      if (!view.isReady) {
        if (this.#isHoleChunk(request.source, view.position)) {
          cuts.push({ lengthBytes: this.#zeroChunkBytes, isHole: true });
          view.skip(this.#zeroChunkBytes);
          continue;
        }
        view.refill();
      }
      const lengthBytes = this.#chunker.nextChunk(view.start, view.end, view.isEnd);
      if (lengthBytes === 0) return { cuts, isEnd: true };
      cuts.push({ lengthBytes, isHole: this.#isZeroChunk(view.start, lengthBytes) });
      view.advance(lengthBytes);
    }
    return { cuts, isEnd: false };
  }

  /** The bytes read here are what is stored, whatever the file was when its cuts were found. */
  async storeChunks(request: Jobs['store-chunks']['request']): Promise<Jobs['store-chunks']['response']> {
    const content = new ContentList();
    let position = request.position;
    for (const lengthBytes of request.lengths) {
      const chunk = this.#chunker.window.subarray(0, lengthBytes);
      const got = readFully(request.source, chunk, position);
      if (got > 0) {
        content.add(await this.#sealer.store('data', chunk.subarray(0, got)));
        position += got;
      }
      if (got < lengthBytes) return { ...content.stored(position - request.position), isShort: true };
    }
    return { ...content.stored(position - request.position), isShort: false };
  }

  async storeZeros(lengthBytes: number): Promise<Jobs['store-zeros']['response']> {
    const zeros = this.#chunker.window.fill(0, 0, lengthBytes).subarray(0, lengthBytes);
    const content = new ContentList();
    content.add(await this.#sealer.store('data', zeros));
    return { ...content.stored(lengthBytes), isShort: false };
  }

  /** True when the zeros of a hole reach far enough that the chunk at `position` holds nothing else. */
  #isHoleChunk(source: ByteSource, position: number): boolean {
    if (source.kind !== 'file') return false;
    const { fd } = source;
    if (nextHole(fd, position) !== position) return false;
    const data = nextData(fd, position);
    const holeEnd = data === -1 ? contentBytes(fd) : data;
    return holeEnd - position >= this.#zeroChunkBytes;
  }

  /** Devices and streams know no holes: what was read once and is zeros is not hashed, let alone stored, again. */
  #isZeroChunk(start: number, lengthBytes: number): boolean {
    return lengthBytes === this.#zeroChunkBytes && isZero(this.#window, start, start + lengthBytes);
  }
}

/** Chunks as they are stored, one after the other. */
class ContentList {
  readonly #content: string[] = [];
  readonly #known: string[] = [];
  #addedBytes = 0;

  add({ id, addedBytes }: SealedInto): void {
    this.#content.push(id);
    if (addedBytes === 0) this.#known.push(id);
    this.#addedBytes += addedBytes;
  }

  stored(sizeBytes: number): StoredContent {
    return { content: this.#content, known: this.#known, sizeBytes, addedBytes: this.#addedBytes };
  }
}

function zeroChunkBytesOf(chunker: Chunker): number {
  chunker.window.fill(0, 0, chunkSizes.maximumBytes);
  return chunker.nextChunk(0, chunkSizes.maximumBytes, false);
}
