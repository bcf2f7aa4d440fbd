import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { stage } from '../../src/copy/stage.ts';
import type { StageOptions, StageResult } from '../../src/copy/stage.ts';
import type { ChunkerName } from '../../src/repository/chunker/chunker.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { nodeAt } from '../../src/repository/snapshot-path.ts';
import { findSnapshot } from '../../src/repository/snapshots.ts';
import type { TreeNode } from '../../src/repository/format/tree-node.ts';
import { TreeLoader } from '../../src/repository/tree-loader.ts';
import { peerSuite } from '../support/peers.ts';
import { Restic } from '../support/restic.ts';
import { createRandom, scaled } from '../support/seed.ts';
import { restoreAll, stageAll, stateOf, verifyAll, workplace } from './copying.ts';

const MiB = 2 ** 20;

function stageStream(
  repository: Repository,
  content: AsyncIterable<Uint8Array>,
  options: Partial<StageOptions> & { readonly name?: string } = {},
): Promise<StageResult> {
  const { name = 'db/dump.sql', ...others } = options;
  return stage(repository, { stream: { name, content }, workers: 1, ...others });
}

/** Pieces of odd sizes, in one buffer that is used again for each, as some sources do. */
async function* pieces(bytes: Buffer, seed: number): AsyncGenerator<Uint8Array, void, undefined> {
  const random = createRandom(seed);
  const buffer = Buffer.alloc(3 * MiB);
  for (let offset = 0; offset < bytes.length;) {
    const length = random.pick([0, 1, 4096, 65_536, 65_537, 3 * MiB]);
    const piece = bytes.subarray(offset, offset + length);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
    offset += length;
  }
}

async function nodeOf(repository: Repository, names: readonly string[]): Promise<TreeNode | undefined> {
  const snapshot = await findSnapshot(repository, 'latest');
  return nodeAt(new TreeLoader(repository, await loadIndex(repository)), snapshot, names);
}

/** Bytes with a long run of zeros. */
function contents(seed: number, sizeBytes: number): Buffer {
  const bytes = createRandom(seed).bytes(sizeBytes);
  const start = Math.floor(sizeBytes / 3);
  return bytes.fill(0, start, Math.min(start + 20 * MiB, Math.floor(sizeBytes * 0.8)));
}

for (const chunker of ['fastcdc', 'rabin'] satisfies ChunkerName[]) {
  describe(`a stream cut with ${chunker}`, () => {
    it('has the chunks that a file of the same bytes has, whatever its size', async (t) => {
      const { folder, repository } = await workplace(t, { chunker });
      const random = createRandom(2);
      const sizes = [1, 16 * MiB - 1, 16 * MiB, 16 * MiB + 1, 47 * MiB + 5];
      for (const size of [...sizes, ...Array.from({ length: scaled(1, 12) }, () => random.below(90 * MiB))]) {
        const bytes = contents(size, size);
        const streamed = await stageStream(repository, pieces(bytes, size), { workers: 2 });
        const node = await nodeOf(repository, ['db', 'dump.sql']);
        writeFileSync(join(folder, 'file'), bytes);
        const staged = await stageAll(repository, join(folder, 'file'), { workers: 2 });
        assert.equal(staged.counts.dataBlobs, 0, `${size} bytes: another cut`);
        assert.deepEqual(node?.content, (await nodeOf(repository, ['v']))?.content);
        assert.deepEqual([node?.size, streamed.counts.bytesProcessed], [size, size]);
      }
    });
  });
}

describe('the snapshot of a stream', () => {
  it('holds one file of this user, in folders of its own', async (t) => {
    const { folder, repository } = await workplace(t);
    const timeMs = Date.parse('2026-01-31T12:00:00Z');
    const bytes = contents(1, 3 * MiB);
    const result = await stageStream(repository, pieces(bytes, 1), { timeMs });
    const { paths } = await findSnapshot(repository, result.snapshotId ?? '');
    assert.deepEqual(paths, ['/db/dump.sql']);
    const node = await nodeOf(repository, ['db', 'dump.sql']);
    assert.equal(node?.type, 'file');
    assert.deepEqual([node.mode, node.uid, node.gid], [0o644, process.getuid?.(), process.getgid?.()]);
    assert.equal(Date.parse(node.mtime), timeMs);
    const target = join(folder, 'target');
    await restoreAll(repository, target, { snapshot: 'latest' });
    assert.ok(readFileSync(join(target, 'db', 'dump.sql')).equals(bytes));
    assert.deepEqual((await verifyAll(repository, target, { snapshot: 'latest' })).differences, []);
  });

  it('is not written in a dry run, which reads everything', async (t) => {
    const { repository } = await workplace(t);
    const result = await stageStream(repository, pieces(contents(2, 5 * MiB), 2), { dryRun: true });
    assert.deepEqual([result.snapshotId, result.counts.bytesProcessed], [undefined, 5 * MiB]);
    assert.deepEqual(await stateOf(repository), { snapshots: [], locks: 0 });
    assert.deepEqual(await repository.listIds('data'), []);
  });

  it('takes what an earlier pass has stored of the same bytes', async (t) => {
    const { repository } = await workplace(t);
    const bytes = contents(3, 40 * MiB);
    await stageStream(repository, pieces(bytes, 3));
    const again = await stageStream(repository, pieces(Buffer.concat([Buffer.from('more'), bytes]), 4));
    assert.equal(again.counts.filesChanged, 1);
    assert.ok(again.counts.dataAdded < 16 * MiB, `${again.counts.dataAdded} bytes added`);
  });
});

function failPackUploads(t: TestContext, repository: Repository): void {
  const put = repository.store.put.bind(repository.store);
  t.mock.method(repository.store, 'put', (...args: Parameters<typeof put>) =>
    args[0].startsWith('data/') ? Promise.reject(new Error('the store is full')) : put(...args),
  );
}

/** Bytes first, then whatever `then` does. */
async function* beginning(
  sizeBytes: number,
  then: () => Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces(contents(5, sizeBytes), 5);
  await then();
}

describe('a stream that does not come to its end', () => {
  async function assertNothing(repository: Repository): Promise<void> {
    assert.deepEqual(await stateOf(repository), { snapshots: [], locks: 0 });
  }

  it('because it fails leaves no snapshot, and says why', async (t) => {
    const { repository } = await workplace(t);
    const failing = beginning(40 * MiB, () => Promise.reject(new Error('the connection was reset')));
    await assert.rejects(stageStream(repository, failing), {
      name: 'FileSystemError',
      code: 'io',
      message: /the stream failed: the connection was reset: db\/dump\.sql/,
    });
    await assertNothing(repository);
  });

  it('because the pass is cancelled is left at once, and what was uploaded serves the next pass', async (t) => {
    const { repository } = await workplace(t);
    const controller = new AbortController();
    const content = new Readable({ read: () => undefined });
    const bytes = createRandom(6).bytes(60 * MiB);
    content.push(bytes);
    const cancelled = stageStream(repository, content, {
      signal: controller.signal,
      packSizeBytes: 4 * MiB,
      onEvent: (event) => {
        if (event.type === 'status' && event.counts.dataAdded > 16 * MiB) controller.abort();
      },
    });
    await assert.rejects(cancelled, { code: 'cancelled' });
    assert.equal(content.destroyed, true);
    await assertNothing(repository);
    const { counts } = await stageStream(repository, pieces(bytes, 6));
    assert.ok(counts.dataAdded <= 56 * MiB, `${counts.dataAdded} bytes added`);
  });

  it('because the store fails is left at once, while it waits', async (t) => {
    const { repository } = await workplace(t);
    const content = new Readable({ read: () => undefined });
    content.push(createRandom(7).bytes(40 * MiB));
    failPackUploads(t, repository);
    await assert.rejects(stageStream(repository, content, { packSizeBytes: 4 * MiB }), /the store is full/);
    assert.equal(content.destroyed, true);
    await assertNothing(repository);
  });

  it('and gave no byte is refused', async (t) => {
    const { repository } = await workplace(t);
    await assert.rejects(stageStream(repository, Readable.from([])), {
      code: 'io',
      message: /without a byte/,
    });
    await assertNothing(repository);
  });
});

it('a stream is read no faster than it is stored', async (t: TestContext) => {
  const { repository } = await workplace(t);
  const piece = createRandom(8).bytes(MiB);
  let given = 0;
  async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
    for (; ; given += MiB) {
      piece.writeUInt32LE(given / MiB, 0);
      yield piece;
    }
  }
  const controller = new AbortController();
  const put = repository.store.put.bind(repository.store);
  t.mock.method(repository.store, 'put', async (...args: Parameters<typeof put>) => {
    if (!args[0].startsWith('data/')) return put(...args);
    // Nothing is uploaded until whoever reads has stopped by itself.
    for (let before = -1; before !== given;) {
      before = given;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    controller.abort();
    throw new Error('stopped');
  });
  await assert.rejects(
    stageStream(repository, endless(), { signal: controller.signal, packSizeBytes: 4 * MiB }),
  );
  assert.ok(given < 160 * MiB, `${given} bytes were read`);
});

it('what cannot be a stream’s name or source is refused before anything is begun', async (t) => {
  const { folder, repository } = await workplace(t);
  const never = Readable.from([Buffer.from('x')]);
  for (const name of ['', '/', 'a/', '..', 'a/../b', './a', 'a\0b']) {
    await assert.rejects(stageStream(repository, never, { name }), { name: 'UsageError' }, name);
  }
  await assert.rejects(stageStream(repository, never, { paths: [folder] }), { name: 'UsageError' });
  await assert.rejects(stageStream(repository, never, { storeAs: '/x' }), { name: 'UsageError' });
  await assert.rejects(stage(repository, {}), { name: 'UsageError' });
  assert.equal(never.destroyed, false);
  const text = Readable.from(['text']);
  await assert.rejects(stageStream(repository, text), { name: 'UsageError', message: /must give bytes/ });
});

peerSuite(['restic-newest'], 'a stream', (paths) => {
  it('is to restic what its own --stdin stores', async (t) => {
    const { location, repository } = await workplace(t, { chunker: 'rabin' });
    const bytes = contents(9, 21 * MiB);
    await stageStream(repository, pieces(bytes, 9), { hostname: 'h' });
    const restic = new Restic({ binary: paths['restic-newest'], repository: location });
    assert.ok((await restic.run(['dump', 'latest', '/db/dump.sql'])).stdout.equals(bytes));
    await restic.check();
    const ours = await restic.ls('latest');
    const input = ['backup', '--json', '--stdin', '--stdin-filename', 'db/dump.sql', '--host', 'h'];
    const theirs = await restic.run(input, { input: bytes });
    assert.match(theirs.stdout.toString(), /"data_blobs":0/, 'restic cuts it as we do');
    assert.deepEqual(await restic.ls('latest'), ours);
    assert.ok((await restic.run(['dump', 'latest', '/db/dump.sql'])).stdout.equals(bytes));
  });
});
