import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { unpackError } from '../../../src/base/error-transport.ts';
import { StoreError } from '../../../src/base/errors.ts';
import { createFileAt, close, openRoot, truncate, writeAt } from '../../../src/base/file-system.ts';
import { BlobSealer } from '../../../src/copy/pipeline/blob-sealer.ts';
import { FileStorer } from '../../../src/copy/pipeline/file-storer.ts';
import { PackBuffers } from '../../../src/copy/pipeline/pack-buffers.ts';
import type {
  FileReference,
  StoredFile,
  StoreFileResult,
  WorkerSetup,
} from '../../../src/copy/pipeline/protocol.ts';
import { WorkerPool } from '../../../src/copy/pipeline/worker-pool.ts';
import { FileQueue } from '../../../src/copy/stage/file-queue.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import type { Chunker, ChunkerName } from '../../../src/repository/chunker/chunker.ts';
import { openChunker } from '../../../src/repository/chunker/open-chunker.ts';
import { decodeNode } from '../../../src/repository/format/tree-node-reader.ts';
import { sha256 } from '../../repository/small-repository.ts';
import { chunkFile, slices } from '../../support/chunk-file.ts';
import { openFolder } from '../../support/open-folder.ts';
import { createRandom, scaled } from '../../support/seed.ts';
import { workplace } from '../copying.ts';

const MiB = 2 ** 20;

interface Bench {
  readonly path: string;
  readonly fd: number;
  readonly setup: WorkerSetup;
  chunker(): Chunker;
}

async function bench(t: TestContext, name: ChunkerName): Promise<Bench> {
  const { repository } = await workplace(t, { chunker: name });
  const { secrets } = repository;
  const setup: WorkerSetup = {
    secrets,
    index: BlobIndex.create().memory,
    compression: 'off',
    packSizeBytes: 4 * MiB,
    verifySealed: true,
  };
  const parameters = { polynomial: secrets.chunkerPolynomial, gearSeed: secrets.gearSeed };
  return { ...openFolder(t), setup, chunker: () => openChunker(name, parameters) };
}

/** A storer on this thread, whose packs go nowhere. */
function storerOf({ setup }: Bench, chunker: Chunker): FileStorer {
  const buffers = new PackBuffers(setup.packSizeBytes);
  const sealer = new BlobSealer(setup, buffers, ({ bytes }) => {
    if (bytes.buffer instanceof SharedArrayBuffer) buffers.giveBack(bytes.buffer);
  });
  return new FileStorer(chunker, sealer);
}

function storedOf(result: StoreFileResult): Extract<StoreFileResult, { outcome: 'stored' }>['file'] {
  if (result.outcome === 'failed') throw unpackError(result.error);
  return result.file;
}

async function storedBy(queue: FileQueue, reference: FileReference, sizeBytes: number): Promise<StoredFile> {
  const { promise, resolve, reject } = Promise.withResolvers<StoreFileResult>();
  queue.store(reference, sizeBytes, { done: resolve, failed: reject });
  return storedOf(await promise);
}

function contentOf({ node }: StoredFile): readonly string[] | null {
  return decodeNode(JSON.parse(node), 'node').content;
}

/** The ids of the contents, cut in one go. */
function expectedContent(bytes: Uint8Array, chunker: Chunker): string[] {
  return slices(bytes, chunkFile(chunker, bytes)).map((chunk) => sha256(chunk));
}

/** Data and zeros in runs, in any order. */
function mixedContents(seed: number, sizeBytes: number): Buffer {
  const random = createRandom(seed);
  const bytes = random.bytes(sizeBytes);
  for (let offset = 0; offset < sizeBytes;) {
    const length = random.pick([4096, 100_000, 3 * MiB, 9 * MiB, 20 * MiB]);
    if (random.chance(0.5)) bytes.fill(0, offset, Math.min(sizeBytes, offset + length));
    offset += length;
  }
  return bytes;
}

/** Writes all but the zeros, block by block, so that the file has every hole it can have. */
function writeSparse(directoryFd: number, name: string, bytes: Buffer): void {
  const fd = createFileAt(directoryFd, Buffer.from(name), 0o600);
  const zeros = Buffer.alloc(4096);
  for (let offset = 0; offset < bytes.length; offset += 4096) {
    const block = bytes.subarray(offset, offset + 4096);
    if (!block.equals(zeros.subarray(0, block.length))) writeAt(fd, block, offset);
  }
  truncate(fd, bytes.length);
  close(fd);
}

for (const name of ['fastcdc', 'rabin'] as const) {
  describe(`a file cut with ${name}`, () => {
    it('has the chunks of its bytes, whatever its size', async (t) => {
      const place = await bench(t, name);
      const storer = storerOf(place, place.chunker());
      const random = createRandom(1);
      const sizes = [0, 1, 512 * 1024, 8 * MiB, 8 * MiB + 1, 32 * MiB, 33 * MiB + 5];
      for (const size of [...sizes, ...Array.from({ length: scaled(3, 20) }, () => random.below(40 * MiB))]) {
        const bytes = random.bytes(size);
        writeFileSync(join(place.path, 'file'), bytes);
        const file = storedOf(await storer.storeFile({ directoryFd: place.fd, name: 'file' }));
        assert.deepEqual(contentOf(file), expectedContent(bytes, place.chunker()));
        assert.deepEqual([file.sizeBytes, file.changedWhileRead], [size, false]);
      }
    });

    it('is the same by the path of large files, with holes or without', async (t) => {
      const place = await bench(t, name);
      const storer = storerOf(place, place.chunker());
      const pool = new WorkerPool({ setup: place.setup, workers: 2, onPack: () => Promise.resolve() });
      try {
        const queue = new FileQueue(pool);
        for (let seed = 1; seed <= scaled(3, 12); seed++) {
          const bytes = mixedContents(seed, 24 * MiB + createRandom(seed).below(120 * MiB));
          writeFileSync(join(place.path, `dense-${seed}`), bytes);
          writeSparse(place.fd, `sparse-${seed}`, bytes);
          const expected = expectedContent(bytes, place.chunker());
          for (const kind of ['dense', 'sparse']) {
            const reference = { directoryFd: place.fd, name: `${kind}-${seed}` };
            const small = storedOf(await storer.storeFile(reference));
            const large = await storedBy(queue, reference, bytes.length);
            assert.deepEqual(contentOf(small), expected, `${kind}, small path`);
            assert.deepEqual(contentOf(large), expected, `${kind}, large path`);
            assert.deepEqual([large.sizeBytes, large.changedWhileRead], [bytes.length, false]);
          }
        }
      } finally {
        await pool.close();
      }
    });
  });
}

/** A chunker that lets the test act between the first chunk and the next. */
function interrupted(chunker: Chunker, act: () => void): Chunker {
  let calls = 0;
  return {
    name: chunker.name,
    window: chunker.window,
    nextChunk: (start, end, isLast) => {
      // The first call asks for the length of a chunk of zeros, the second for the first chunk of the file.
      if (++calls === 3) act();
      return chunker.nextChunk(start, end, isLast);
    },
  };
}

describe('a file that changes between two of its chunks', () => {
  const size = 60 * MiB;
  const changes: Readonly<Record<string, readonly [change: (path: string) => void, sizeBytes: number]>> = {
    shrinks: [(path) => truncateSync(path, 40 * MiB), 40 * MiB],
    'shrinks to nothing': [(path) => truncateSync(path, 0), 32 * MiB],
    grows: [(path) => appendFileSync(path, Buffer.alloc(5 * MiB, 1)), size + 5 * MiB],
    'is overwritten': [(path) => writeFileSync(path, Buffer.alloc(size, 2)), size],
  };
  for (const [title, [change, sizeBytes]] of Object.entries(changes)) {
    it(`(${title}) is stored as it was read, and says so`, async (t) => {
      const place = await bench(t, 'fastcdc');
      const path = join(place.path, 'file');
      writeFileSync(path, createRandom(5).bytes(size));
      const storer = storerOf(
        place,
        interrupted(place.chunker(), () => change(path)),
      );
      const file = storedOf(await storer.storeFile({ directoryFd: place.fd, name: 'file' }));
      assert.equal(file.changedWhileRead, true);
      assert.equal(file.sizeBytes, sizeBytes);
    });
  }

  for (const [title, change] of Object.entries({
    shrinks: (path: string) => truncateSync(path, 30 * MiB),
    grows: (path: string) => appendFileSync(path, 'more'),
    'is emptied': (path: string) => truncateSync(path, 0),
  })) {
    it(`(${title}) on the path of large files is stored as it was read, and says so`, async (t) => {
      const place = await bench(t, 'fastcdc');
      const path = join(place.path, 'file');
      writeFileSync(path, createRandom(6).bytes(size));
      const pool = new WorkerPool({ setup: place.setup, workers: 2, onPack: () => Promise.resolve() });
      const run = pool.run.bind(pool);
      let isDone = false;
      pool.run = (job, request, transfer) => {
        if (job === 'store-chunks' && !isDone) {
          isDone = true;
          change(path);
        }
        return run(job, request, transfer);
      };
      try {
        const file = await storedBy(new FileQueue(pool), { directoryFd: place.fd, name: 'file' }, size);
        assert.equal(file.changedWhileRead, true);
        if (title !== 'grows') assert.equal(file.sizeBytes, readFileSync(path).length);
      } finally {
        await pool.close();
      }
    });
  }
});

describe('a queue of files', () => {
  it('lets no walk wait for ever when the pass is cancelled with the queue full', async (t) => {
    const place = await bench(t, 'fastcdc');
    writeFileSync(join(place.path, 'file'), 'contents');
    const cancelled = new AbortController();
    const pool = new WorkerPool({
      setup: place.setup,
      workers: 1,
      onPack: () => Promise.resolve(),
      signal: cancelled.signal,
    });
    try {
      const queue = new FileQueue(pool);
      let failures = 0;
      const listener = { done: () => {}, failed: () => void failures++ };
      const files = 16 * 64;
      for (let i = 0; i < files; i++) queue.store({ directoryFd: place.fd, name: 'file' }, 8, listener);
      const room = queue.room();
      cancelled.abort();
      await room;
      await new Promise((resolve) => setImmediate(resolve));
      assert.ok(failures > 0);
    } finally {
      await pool.close();
    }
  });
});

describe('a pool of workers', () => {
  it('begins no upload after one has failed, and refuses jobs when it is closed', async (t) => {
    const place = await bench(t, 'fastcdc');
    writeFileSync(join(place.path, 'file'), createRandom(7).bytes(20 * MiB));
    const failure = new StoreError('unavailable', 'the store is down');
    const uploads: string[] = [];
    const pool = new WorkerPool({
      setup: { ...place.setup, packSizeBytes: 4 * MiB },
      workers: 1,
      onPack: ({ id }) => {
        uploads.push(id);
        return Promise.reject(failure);
      },
    });
    const stored = pool.run('store-files', { files: [{ directoryFd: place.fd, name: 'file' }] });
    await assert.rejects(stored, failure);
    // The worker has handed over its other packs before it ends.
    await pool.close();
    assert.equal(uploads.length, 1);
    await assert.rejects(pool.run('store-zeros', { lengthBytes: 1 }), failure);
    const idle = new WorkerPool({ setup: place.setup, workers: 1, onPack: () => Promise.resolve() });
    await idle.close();
    await assert.rejects(idle.run('store-zeros', { lengthBytes: 1 }), { code: 'cancelled' });
  });

  it('lets a job fail for its file alone, and the others go on', async (t) => {
    const place = await bench(t, 'fastcdc');
    mkdirSync(join(place.path, 'folder'));
    const folder = openRoot(join(place.path, 'folder'));
    t.after(() => close(folder));
    const pool = new WorkerPool({ setup: place.setup, workers: 1, onPack: () => Promise.resolve() });
    try {
      const failing = pool.run('find-cuts', {
        source: { kind: 'file', fd: folder },
        position: 0,
        budgetBytes: MiB,
      });
      const following = pool.run('store-zeros', { lengthBytes: 600_000 });
      await assert.rejects(failing, { name: 'FileSystemError', errno: 'EISDIR' });
      assert.equal((await following).sizeBytes, 600_000);
      assert.equal(pool.failure, undefined);
    } finally {
      await pool.close();
    }
  });
});
