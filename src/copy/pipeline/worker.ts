import { parentPort, workerData } from 'node:worker_threads';
import { packError } from '../../base/error-transport.ts';
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
import { PackBuffers } from './pack-buffers.ts';
import { batchOf } from './stored-batch.ts';
import type {
  FromWorker,
  JobKind,
  JobMessage,
  Jobs,
  StoreFileResult,
  ToWorker,
  WorkerSetup,
} from './protocol.ts';

type Handlers = {
  readonly [K in JobKind]: (
    request: Jobs[K]['request'],
  ) => Jobs[K]['response'] | Promise<Jobs[K]['response']>;
};

const port = parentPort;
if (port === null) throw new Error('this module runs in a worker thread only');

// oxlint-disable-next-line typescript/no-unsafe-assignment -- what a thread is started with has no type of its own
const setup: WorkerSetup = workerData;
const buffers = new PackBuffers(setup.packSizeBytes);

function send(message: FromWorker): void {
  port?.postMessage(message);
}

// Made on first use: a worker that restores needs no chunker with its window, one that stages no writer.
let madeSealer: BlobSealer | undefined;
let madeStorer: FileStorer | undefined;
let madeOpener: BlobOpener | undefined;
let madeWriter: BlobWriter | undefined;
let madeMaker: FileMaker | undefined;
let madeComparer: ChunkComparer | undefined;
let madeCopier: BlobCopier | undefined;
let madeFileComparer: FileComparer | undefined;
let madeFolderComparer: FolderComparer | undefined;

function sealer(): BlobSealer {
  madeSealer ??= new BlobSealer(setup, buffers, (pack) => {
    const buffer = pack.bytes.buffer;
    if (!(buffer instanceof SharedArrayBuffer)) throw new TypeError('a pack must stand in shared memory');
    send({ kind: 'pack', id: pack.id, buffer, lengthBytes: pack.bytes.length, blobs: pack.blobs });
  });
  return madeSealer;
}

function storer(): FileStorer {
  const { chunker, chunkerPolynomial, gearSeed } = setup.secrets;
  madeStorer ??= new FileStorer(openChunker(chunker, { polynomial: chunkerPolynomial, gearSeed }), sealer());
  return madeStorer;
}

function opener(): BlobOpener {
  madeOpener ??= new BlobOpener(setup.secrets.masterKey);
  return madeOpener;
}

function comparer(): ChunkComparer {
  madeComparer ??= new ChunkComparer();
  return madeComparer;
}

const handlers: Handlers = {
  'store-files': async (request) => {
    const results: StoreFileResult[] = [];
    for (const file of request.files) results.push(await storer().storeFile(file));
    return batchOf(results);
  },
  'compare-folders': (request) => {
    madeFolderComparer ??= new FolderComparer(BlobIndex.attach(setup.index), opener());
    return madeFolderComparer.compare(request);
  },
  'find-cuts': (request) => storer().findCuts(request),
  'store-chunks': (request) => storer().storeChunks(request),
  'store-zeros': (request) => storer().storeZeros(request.lengthBytes),
  'store-tree': async (request) => ({
    addedBytes: await sealer().storeClaimed('tree', request),
  }),
  'copy-blobs': (request) => {
    madeCopier ??= new BlobCopier(setup, sealer());
    return madeCopier.copy(request);
  },
  flush: () => sealer().release(),
  'write-blobs': (request) => {
    madeWriter ??= new BlobWriter(opener());
    return madeWriter.write(request);
  },
  'make-files': (request) => {
    madeMaker ??= new FileMaker(BlobIndex.attach(setup.index), opener());
    return madeMaker.make(request);
  },
  'compare-chunks': (request) => comparer().compare(request),
  'compare-files': (request) => {
    madeFileComparer ??= new FileComparer(BlobIndex.attach(setup.index), comparer());
    return madeFileComparer.compare(request.files);
  },
};

/** OpenSSL's and zstd's contexts are outside of what ends with a thread. */
function closeAll(): void {
  madeSealer?.close();
  madeOpener?.close();
  madeCopier?.close();
  port?.close();
}

async function run<K extends JobKind>(message: JobMessage<K>): Promise<void> {
  const { jobId } = message;
  try {
    const handle: (request: Jobs[K]['request']) => Jobs[K]['response'] | Promise<Jobs[K]['response']> =
      handlers[message.job];
    send({ kind: 'done', jobId, response: await handle(message.request) });
  } catch (error) {
    send({ kind: 'failed', jobId, error: packError(error) });
  }
}

// Jobs run one after the other (they share the window and the buffers), while buffers come back in between.
let previous: Promise<void> = Promise.resolve();
port.on('message', (message: ToWorker) => {
  if (message.kind === 'buffer') buffers.giveBack(message.buffer);
  else if (message.kind === 'close') closeAll();
  else previous = previous.then(() => run(message));
});
