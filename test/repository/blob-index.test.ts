import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { RepositoryError } from '../../src/base/errors.ts';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import type { BlobLocation } from '../../src/repository/blob-index.ts';
import type { BlobType } from '../../src/repository/format/blob.ts';
import { checkProperty } from '../support/property.ts';
import { createRandom, scaled } from '../support/seed.ts';
import type { ClaimerData } from './blob-index-claimer.ts';

function idOf(number: number): string {
  return createHash('sha256').update(String(number)).digest('hex');
}

function place(number: number): BlobLocation {
  return { packNumber: number % 1000, offset: number, length: number + 33, uncompressedLength: number % 2 };
}

/** All of its memory that depends on the number of blobs. */
function bytesOf(index: BlobIndex): number {
  const { ids, slots, places } = index.memory;
  const { rows, packs, far } = places;
  return [ids, slots, rows, packs, far].reduce((sum, memory) => sum + memory.byteLength, 0);
}

describe('a blob index', () => {
  it('behaves like a map of types and ids', (t) => {
    const type = fc.constantFrom<BlobType>('data', 'tree');
    const action = fc.tuple(fc.constantFrom('claim', 'set', 'look'), type, fc.nat(30), fc.nat(1000));
    const property = fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const index = BlobIndex.create();
      const model = new Map<string, BlobLocation | undefined>();
      for (const [kind, blobType, number, value] of actions) {
        const key = `${blobType} ${number}`;
        const id = idOf(number);
        const known = model.get(key);
        if (kind === 'claim') {
          assert.equal(index.claim(blobType, id), !model.has(key));
          model.set(key, known);
        } else if (kind === 'set') {
          assert.equal(index.setLocation(blobType, id, place(value)), known === undefined);
          model.set(key, known ?? place(value));
        }
        assert.equal(index.has(blobType, id), model.has(key));
        assert.deepEqual(index.locate(blobType, id), model.get(key));
        assert.equal(index.size, model.size);
      }
    });
    checkProperty(t, property, { small: 100, full: 3000 });
  });

  it('tells a tree from data of the same id', () => {
    const index = BlobIndex.create();
    index.setLocation('tree', idOf(1), place(5));
    assert.equal(index.has('data', idOf(1)), false);
    assert.equal(index.claim('data', idOf(1)), true);
    const row = index.rowOf('tree', idOf(1));
    assert.notEqual(row, index.rowOf('data', idOf(1)));
    assert.equal(index.typeAt(row), 'tree');
    assert.equal(index.typeAt(index.rowOf('data', idOf(1))), 'data');
    assert.equal(index.idAt(row).toString('hex'), idOf(1));
    assert.equal(index.locate('data', idOf(1)), undefined, 'claimed, not stored');
  });

  it('takes ids as bytes or hex, and nothing else', () => {
    const index = BlobIndex.create();
    index.claim('data', Buffer.from(idOf(2), 'hex'));
    assert.ok(index.has('data', idOf(2)));
    assert.ok(index.has('data', idOf(2).toUpperCase()));
    const room = Buffer.concat([Buffer.alloc(7), Buffer.from(idOf(2), 'hex'), Buffer.alloc(2)]);
    assert.equal(index.rowOfBytesAt('data', room, 7), 0);
    assert.equal(index.rowOfBytesAt('data', room, 8), -1);
    for (const wrong of ['', 'ab', idOf(2).slice(1), `${idOf(2)}00`, 'g'.repeat(64), Buffer.alloc(31)]) {
      assert.throws(() => index.has('data', wrong), RepositoryError);
    }
    // Neighbours of the digits, and characters that end in the byte of one.
    for (const character of '/:@G`g \0\u00b0\u0130\u0161\u3031\ud83d') {
      for (const at of [0, 1, 31, 62, 63]) {
        const wrong = `${idOf(2).slice(0, at)}${character}${idOf(2).slice(at + 1)}`;
        assert.throws(() => index.has('data', wrong), RepositoryError, `${character} at ${at}`);
      }
    }
  });

  it('gives every byte of an id back', () => {
    const index = BlobIndex.create();
    const ids = Array.from({ length: 256 }, (_, i) =>
      Buffer.from(Array.from({ length: 32 }, (__, k) => i ^ (k * 37))),
    );
    for (const id of ids) index.claim('tree', id.toString('hex'));
    for (const [row, id] of ids.entries()) assert.deepEqual(index.idAt(row), id);
    for (const [row, id] of ids.entries()) assert.equal(index.rowOf('tree', id), row);
  });

  it('keeps the largest numbers of the format', () => {
    const index = BlobIndex.create();
    const largest = {
      packNumber: 2 ** 31 - 2,
      offset: 2 ** 32 - 1,
      length: 2 ** 32 - 1,
      uncompressedLength: 2 ** 32 - 1,
    };
    index.setLocation('tree', idOf(3), largest);
    assert.deepEqual(index.locate('tree', idOf(3)), largest);
    assert.equal(index.typeAt(index.rowOf('tree', idOf(3))), 'tree');
  });

  it('keeps numbers on both sides of where they no longer fit into a row', (t) => {
    const around = (limit: number): fc.Arbitrary<number> =>
      fc.oneof(
        fc.integer({ min: limit - 2, max: limit + 2 }),
        fc.nat(limit),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      );
    const location = fc.record(
      {
        packNumber: fc.oneof(fc.nat(70), fc.nat(2 ** 31 - 2)),
        offset: around(2 ** 27),
        length: fc.oneof(around(2 ** 23), around(2 ** 24)),
        uncompressedLength: fc.oneof(fc.constant(0), around(2 ** 23), around(2 ** 24)),
      },
      { noNullPrototype: true },
    );
    const property = fc.property(
      fc.array(fc.tuple(location, fc.boolean()), { maxLength: 60 }),
      fc.boolean(),
      (locations, areClaimed) => {
        const index = BlobIndex.create();
        const typeOf = (isTree: boolean): BlobType => (isTree ? 'tree' : 'data');
        for (const [i, [, isTree]] of locations.entries())
          if (areClaimed) index.claim(typeOf(isTree), idOf(i));
        for (const [i, [where, isTree]] of locations.entries())
          index.setLocation(typeOf(isTree), idOf(i), where);
        const other = BlobIndex.attach(index.memory);
        for (const [i, [where, isTree]] of locations.entries()) {
          assert.deepEqual(other.locate(typeOf(isTree), idOf(i)), where);
          assert.equal(other.typeAt(i), typeOf(isTree));
          assert.equal(index.setLocation(typeOf(isTree), idOf(i), { ...where, offset: 1 }), false);
        }
      },
    );
    checkProperty(t, property, { small: 200, full: 3000 });
  });

  it('tells ids apart whose hashes are the same', () => {
    const index = BlobIndex.create();
    new Uint8Array(index.memory.hashWords).fill(0);
    const count = 1500;
    for (let i = 0; i < count; i++) assert.ok(index.claim(i % 2 === 0 ? 'tree' : 'data', idOf(i)));
    for (let i = 0; i < count; i++) {
      assert.equal(index.rowOf(i % 2 === 0 ? 'tree' : 'data', idOf(i)), i);
      assert.equal(index.rowOf(i % 2 === 0 ? 'data' : 'tree', idOf(i)), -1);
    }
    assert.equal(index.has('data', idOf(count)), false);
  });

  it('takes at most 48 bytes a blob for as many as were expected', () => {
    const random = createRandom(5);
    const count = 300_000;
    const ids = random.bytes(count * 32);
    const index = BlobIndex.create(count);
    for (let i = 0; i < count; i++) {
      const offset = (i % 16) * 2 ** 20;
      const location = { packNumber: i >>> 4, offset, length: 900_000, uncompressedLength: 2 ** 20 };
      assert.ok(index.setLocationOfBytesAt('data', ids, i * 32, location));
    }
    assert.ok(bytesOf(index) <= 48 * count, `${bytesOf(index) / count} bytes a blob`);
    for (let i = 0; i < count; i += 17) {
      const location = index.locationAt(index.rowOfBytesAt('data', ids, i * 32));
      assert.deepEqual([location?.packNumber, location?.offset], [i >>> 4, (i % 16) * 2 ** 20]);
    }
  });

  it('finds ids that begin alike', () => {
    const index = BlobIndex.create();
    const ids = Array.from({ length: 2000 }, (_, i) => `00000000${idOf(i).slice(8)}`);
    for (const [i, id] of ids.entries()) index.setLocation('data', id, place(i));
    for (const [i, id] of ids.entries()) assert.deepEqual(index.locate('data', id), place(i));
  });

  it('grows over several segments, and takes at most 60 bytes a blob for a million', () => {
    const random = createRandom(4);
    const count = 1_000_000;
    const ids = random.bytes(count * 32);
    const idAt = (i: number): Buffer => ids.subarray(i * 32, i * 32 + 32);
    for (const index of [BlobIndex.create(), BlobIndex.create(count)]) {
      for (let i = 0; i < count; i++) assert.ok(index.claim(i % 3 === 0 ? 'tree' : 'data', idAt(i)));
      for (let i = 0; i < count; i += 7) index.setLocation(i % 3 === 0 ? 'tree' : 'data', idAt(i), place(i));
      for (let i = 0; i < count; i += 11) {
        const type = i % 3 === 0 ? 'tree' : 'data';
        assert.equal(index.claim(type, idAt(i)), false);
        assert.deepEqual(index.locate(type, idAt(i)), i % 7 === 0 ? place(i) : undefined);
        assert.equal(index.has(type === 'tree' ? 'data' : 'tree', idAt(i)), false);
      }
      assert.equal(index.size, count);
      const bytes = bytesOf(index);
      assert.ok(bytes <= 60 * count, `${bytes / count} bytes a blob`);
    }
  });

  it('that several threads claim from at once gives each blob to one of them, and loses none', async () => {
    const threads = 4;
    const count = scaled(150_000, 400_000);
    const index = BlobIndex.create();
    const start = new Int32Array(new SharedArrayBuffer(4));
    const claims = await Promise.all(
      Array.from({ length: threads }, (_, thread) =>
        claimInThread({ memory: index.memory, start, count, thread, threads }),
      ),
    );
    let claimed = 0;
    for (let i = 0; i < count; i++) {
      const owners = claims.filter((own) => own[i] === 1).length;
      assert.ok(owners >= 1, `blob ${i} was claimed by nobody`);
      claimed += owners;
      assert.ok(index.has('data', idOf(i)));
    }
    // While a segment is being added a blob may be claimed twice, and is then stored twice, which the format allows.
    assert.ok(claimed - count <= 64, `${claimed - count} blobs were claimed twice`);
    for (let i = 0; i < count; i++) index.setLocation('data', idOf(i), place(i));
    for (let i = 0; i < count; i++) assert.deepEqual(index.locate('data', idOf(i)), place(i));
  });

  it('does not slow down when ids differ in their last bytes only (a hostile index took minutes)', () => {
    const index = BlobIndex.create();
    const id = Buffer.alloc(32);
    for (let i = 0; i < 200_000; i++) {
      id.writeUInt32BE(i, 28);
      assert.ok(index.claim('data', id));
    }
    assert.equal(index.size, 200_000);
  });

  it('shows to one thread what another has stored', async () => {
    const index = BlobIndex.create();
    const start = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < 1000; i++) index.setLocation('data', idOf(i), place(i));
    const own = await claimInThread({ memory: index.memory, start, count: 2000, thread: 0, threads: 1 });
    assert.equal(own.slice(0, 1000).indexOf(1), -1);
    assert.equal(own.slice(1000).indexOf(0), -1);
    assert.deepEqual(index.locate('data', idOf(7)), place(7));
  });
});

function claimInThread(workerData: ClaimerData): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('blob-index-claimer.ts', import.meta.url), { workerData });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
