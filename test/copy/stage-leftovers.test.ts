import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { PackUploader } from '../../src/copy/stage/pack-uploader.ts';
import type { UploadedPack } from '../../src/copy/stage/pack-uploader.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import {
  compressedEntryBytes,
  maximumHeaderBytes,
  packOverheadBytes,
} from '../../src/repository/format/pack.ts';
import { loadIndex } from '../../src/repository/loaded-index.ts';
import { packSizeBytes } from '../../src/repository/pack-builder.ts';
import type { OpenPack } from '../../src/repository/pack-builder.ts';
import { Repository } from '../../src/repository/repository.ts';
import { password } from '../repository/lock-fixtures.ts';
import { weakScrypt } from '../support/weak-key.ts';

const blobBytes = 40;

/** What a worker has begun: blobs of a few bytes each, of ids from `first` on; nobody opens them. */
function leftover(first: number, count: number): OpenPack {
  const blobs = Array.from({ length: count }, (_, i) => ({
    id: createHash('sha256')
      .update(String(first + i))
      .digest('hex'),
    type: 'data' as const,
    offset: i * blobBytes,
    length: blobBytes,
    uncompressedLength: undefined,
  }));
  const buffer = new ArrayBuffer(count * (blobBytes + compressedEntryBytes) + packOverheadBytes);
  return { type: 'data', buffer, lengthBytes: count * blobBytes, blobs };
}

test('half a million tiny blobs that the workers have left do not end the pass', async () => {
  const store = new ObjectStore(new MemoryDriver());
  const repository = await Repository.init(store, { password, scryptCost: weakScrypt });
  const uploader = new PackUploader(repository, await loadIndex(repository), undefined);
  const packs: UploadedPack[] = [];
  const leftovers = [leftover(0, 250_000), leftover(250_000, 250_000)];
  await uploader.uploadLeftovers(leftovers, packSizeBytes.maximum, (pack) => packs.push(pack));
  assert.deepEqual(
    packs.map(({ blobs }) => blobs.length),
    [250_000, 250_000],
  );
  for (const { bytes } of packs) {
    const headerBytes = Buffer.from(bytes.subarray(-4)).readUInt32LE();
    assert.ok(headerBytes <= maximumHeaderBytes);
  }
  assert.equal((await repository.listIds('data')).length, 2);
  await store.close();
});
