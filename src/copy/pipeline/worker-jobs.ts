import { BlobIndex } from '../../repository/blob-index.ts';
import { BlobOpener } from '../../repository/blob-opener.ts';
import { openChunker } from '../../repository/chunker/open-chunker.ts';
import { FileMaker } from '../restore/file-maker.ts';
import { FolderComparer } from '../stage/folder-comparer.ts';
import { BlobCopier } from './blob-copier.ts';
import { BlobSealer } from './blob-sealer.ts';
import { BlobWriter } from './blob-writer.ts';
import { ChunkComparer } from './chunk-comparer.ts';
import { FileComparer } from './file-comparer.ts';
import { FileStorer } from './file-storer.ts';
import type { PackBuffers } from './pack-buffers.ts';
import type { FilledPack, JobKind, Jobs, StoreFileResult, WorkerSetup } from './protocol.ts';
import { batchOf } from './stored-batch.ts';

type Handlers = {
  readonly [K in JobKind]: (
    request: Jobs[K]['request'],
  ) => Jobs[K]['response'] | Promise<Jobs[K]['response']>;
};

/** What a worker can do, with what its pass works with. */
export class WorkerJobs {
  readonly #setup: WorkerSetup;
  readonly #buffers: PackBuffers;
  readonly #onPack: (pack: FilledPack) => void;
  // Made on first use: a worker that restores needs no chunker with its window, one that stages no writer.
  #sealer: BlobSealer | undefined;
  #storer: FileStorer | undefined;
  #opener: BlobOpener | undefined;
  #writer: BlobWriter | undefined;
  #maker: FileMaker | undefined;
  #comparer: ChunkComparer | undefined;
  #copier: BlobCopier | undefined;
  #fileComparer: FileComparer | undefined;
  #folderComparer: FolderComparer | undefined;

  constructor(setup: WorkerSetup, buffers: PackBuffers, onPack: (pack: FilledPack) => void) {
    this.#setup = setup;
    this.#buffers = buffers;
    this.#onPack = onPack;
  }

  run<K extends JobKind>(
    job: K,
    request: Jobs[K]['request'],
  ): Jobs[K]['response'] | Promise<Jobs[K]['response']> {
    const handle: Handlers[K] = this.#handlers[job];
    return handle(request);
  }

  /** OpenSSL's and zstd's contexts are outside of what ends with a thread. */
  close(): void {
    this.#sealer?.close();
    this.#opener?.close();
    this.#copier?.close();
  }

  readonly #handlers: Handlers = {
    'store-files': async (request) => {
      const results: StoreFileResult[] = [];
      for (const file of request.files) results.push(await this.#fileStorer().storeFile(file));
      return batchOf(results);
    },
    'compare-folders': (request) => {
      this.#folderComparer ??= new FolderComparer(BlobIndex.attach(this.#setup.index), this.#blobOpener());
      return this.#folderComparer.compare(request);
    },
    'find-cuts': (request) => this.#fileStorer().findCuts(request),
    'store-chunks': (request) => this.#fileStorer().storeChunks(request),
    'store-zeros': (request) => this.#fileStorer().storeZeros(request.lengthBytes),
    'store-tree': async (request) => ({
      addedBytes: await this.#blobSealer().storeClaimed('tree', request),
    }),
    'copy-blobs': (request) => {
      this.#copier ??= new BlobCopier(this.#setup, this.#blobSealer());
      return this.#copier.copy(request);
    },
    flush: () => this.#blobSealer().release(),
    'write-blobs': (request) => {
      this.#writer ??= new BlobWriter(this.#blobOpener());
      return this.#writer.write(request);
    },
    'make-files': (request) => {
      this.#maker ??= new FileMaker(BlobIndex.attach(this.#setup.index), this.#blobOpener());
      return this.#maker.make(request);
    },
    'compare-chunks': (request) => this.#chunkComparer().compare(request),
    'compare-files': (request) => {
      this.#fileComparer ??= new FileComparer(BlobIndex.attach(this.#setup.index), this.#chunkComparer());
      return this.#fileComparer.compare(request.files);
    },
  };

  #blobSealer(): BlobSealer {
    this.#sealer ??= new BlobSealer(this.#setup, this.#buffers, (pack) => {
      const buffer = pack.bytes.buffer;
      if (!(buffer instanceof SharedArrayBuffer)) throw new TypeError('a pack must stand in shared memory');
      this.#onPack({ kind: 'pack', id: pack.id, buffer, lengthBytes: pack.bytes.length, blobs: pack.blobs });
    });
    return this.#sealer;
  }

  #fileStorer(): FileStorer {
    const { chunker, chunkerPolynomial, gearSeed } = this.#setup.secrets;
    this.#storer ??= new FileStorer(
      openChunker(chunker, { polynomial: chunkerPolynomial, gearSeed }),
      this.#blobSealer(),
    );
    return this.#storer;
  }

  #blobOpener(): BlobOpener {
    this.#opener ??= new BlobOpener(this.#setup.secrets.masterKey);
    return this.#opener;
  }

  #chunkComparer(): ChunkComparer {
    this.#comparer ??= new ChunkComparer();
    return this.#comparer;
  }
}
