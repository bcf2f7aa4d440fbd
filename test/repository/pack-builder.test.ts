import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { openBlob } from '../../src/repository/blob-reader.ts';
import { createCompressor } from '../../src/repository/compression/open-compressor.ts';
import { createCipher } from '../../src/repository/crypto/open-cipher.ts';
import { generateMasterKey } from '../../src/repository/crypto/password-key.ts';
import type { PackedBlob } from '../../src/repository/format/blob.ts';
import { computePackSize, decodePackHeader, decodePackTrailer } from '../../src/repository/format/pack.ts';
import { PackBuilder, packSizeBytes } from '../../src/repository/pack-builder.ts';
import type { FinishedPack, OpenPack } from '../../src/repository/pack-builder.ts';
import { checkProperty } from '../support/property.ts';
import { createRandom } from '../support/seed.ts';

const tools = { cipher: createCipher(generateMasterKey()), compressor: createCompressor() };

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function add(builder: PackBuilder, plaintext: Uint8Array, isCompressed: boolean): void {
  const stored = isCompressed ? tools.compressor.compress(plaintext, 3) : plaintext;
  builder.add(tools.cipher, sha256(plaintext), stored, isCompressed ? plaintext.length : undefined);
}

/** Compressed blobs in a header of 16 MiB. */
const most = 409_199;

/** Blobs of a few bytes each; nobody opens them. */
function tinyBlobs(count: number): OpenPack {
  const length = 40;
  const blobs = Array.from({ length: count }, (_, i) => ({
    id: i.toString(16).padStart(64, '0'),
    type: 'data' as const,
    offset: i * length,
    length,
    uncompressedLength: 8,
  }));
  return { type: 'data', buffer: new ArrayBuffer(count * length), lengthBytes: count * length, blobs };
}

/** Reads the pack as any reader would, from its end. */
function assertReadable(pack: FinishedPack, plaintexts: readonly Uint8Array[]): void {
  const { bytes, id } = pack;
  assert.equal(sha256(bytes), id);
  const headerBytes = decodePackTrailer(bytes.subarray(-4), bytes.length, id);
  const header = tools.cipher.open(bytes.subarray(bytes.length - 4 - headerBytes, bytes.length - 4));
  const blobs = decodePackHeader(header, bytes.length, id);
  const plain = (blob: PackedBlob): PackedBlob => ({ ...blob, uncompressedLength: blob.uncompressedLength });
  assert.deepEqual(blobs.map(plain), pack.blobs.map(plain));
  assert.equal(bytes.length, computePackSize(blobs));
  assert.deepEqual(
    blobs.map((blob) => blob.id),
    plaintexts.map((plaintext) => sha256(plaintext)),
  );
  for (const blob of blobs) {
    const sealed = bytes.subarray(blob.offset, blob.offset + blob.length);
    openBlob(sealed, { id: blob.id, uncompressedLength: blob.uncompressedLength ?? 0 }, id, tools);
  }
}

describe('a pack builder', () => {
  const blob = fc.record({
    bytes: fc.uint8Array({ minLength: 1, maxLength: 3000 }),
    isCompressed: fc.boolean(),
  });

  it('makes packs that hold what was added, of the size it told', (t) => {
    const property = fc.property(fc.array(blob, { minLength: 1, maxLength: 20 }), (blobs) => {
      const builder = new PackBuilder('data', new ArrayBuffer(2 ** 20));
      for (const { bytes, isCompressed } of blobs) add(builder, bytes, isCompressed);
      const told = builder.sizeBytes;
      const pack = builder.finish(tools.cipher);
      assert.equal(pack.bytes.length, told);
      assert.equal(told, computePackSize(pack.blobs));
      assertReadable(
        pack,
        blobs.map(({ bytes }) => bytes),
      );
    });
    checkProperty(t, property, { small: 40, full: 1000 });
  });

  it('an envelope that is damaged where it stands in the pack leaves nothing in it', () => {
    const plaintexts = ['one', 'two', 'three'].map((text) => Buffer.from(text));
    const builder = new PackBuilder('data', new ArrayBuffer(2 ** 16));
    for (const plaintext of plaintexts) {
      const envelope = tools.cipher.seal(plaintext);
      const copied = { id: sha256(plaintext), envelope, uncompressedLength: undefined };
      const seen: Buffer[] = [];
      const damageIn = (placed: Uint8Array): string | undefined => {
        seen.push(Buffer.from(placed));
        return seen.length === 1 && plaintext !== plaintexts[0] ? 'damaged' : undefined;
      };
      if (plaintext !== plaintexts[0]) assert.equal(builder.addSealed(copied, damageIn), 'damaged');
      assert.equal(builder.addSealed(copied, damageIn), undefined);
      for (const placed of seen) assert.deepEqual(placed, Buffer.from(envelope));
    }
    assertReadable(builder.finish(tools.cipher), plaintexts);
  });

  it('merges what others had begun, blobs and offsets', (t) => {
    const parts = fc.array(fc.array(blob, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 });
    const property = fc.property(parts, (groups) => {
      const merged = new PackBuilder('tree', new ArrayBuffer(2 ** 20));
      for (const blobs of groups) {
        const builder = new PackBuilder('tree', new ArrayBuffer(2 ** 20));
        for (const { bytes, isCompressed } of blobs) add(builder, bytes, isCompressed);
        merged.append(builder.release());
      }
      const told = merged.sizeBytes;
      const pack = merged.finish(tools.cipher);
      assert.equal(pack.bytes.length, told);
      assert.ok(pack.blobs.every(({ type }) => type === 'tree'));
      assertReadable(
        pack,
        groups.flat().map(({ bytes }) => bytes),
      );
    });
    checkProperty(t, property, { small: 40, full: 1000 });
  });

  it('goes on with what another had begun, in the same buffer', (t) => {
    const groups = fc.tuple(fc.array(blob, { minLength: 1, maxLength: 6 }), fc.array(blob, { maxLength: 6 }));
    const property = fc.property(groups, ([before, after]) => {
      const begun = new PackBuilder('data', new ArrayBuffer(2 ** 20));
      for (const { bytes, isCompressed } of before) add(begun, bytes, isCompressed);
      const released = begun.release();
      const resumed = PackBuilder.resume(released);
      for (const { bytes, isCompressed } of after) add(resumed, bytes, isCompressed);
      const told = resumed.sizeBytes;
      const pack = resumed.finish(tools.cipher);
      assert.equal(pack.bytes.length, told);
      assert.equal(pack.bytes.buffer, released.buffer);
      assertReadable(
        pack,
        [...before, ...after].map(({ bytes }) => bytes),
      );
    });
    checkProperty(t, property, { small: 40, full: 1000 });
  });

  it('takes no pack that its buffer has no room for', () => {
    const begun = new PackBuilder('data', new ArrayBuffer(1000));
    add(begun, Buffer.alloc(400, 1), false);
    const other = new PackBuilder('data', new ArrayBuffer(1000));
    add(other, Buffer.alloc(600, 2), false);
    assert.equal(PackBuilder.resume(begun.release()).takes(other.release(), packSizeBytes.maximum), false);
  });

  it('tells whether a blob fits, header entry included, to the byte', () => {
    const random = createRandom(1);
    const buffer = new ArrayBuffer(10_000);
    const builder = new PackBuilder('data', buffer);
    const stored = random.bytes(500);
    while (builder.fits(stored.length + 32)) add(builder, random.bytes(500), false);
    const left = buffer.byteLength - builder.sizeBytes;
    assert.ok(left < 500 + 32 + 41 && left >= 0);
    assert.ok(builder.fits(left - 41));
    assert.equal(builder.fits(left - 40), false);
    const pack = builder.finish(tools.cipher);
    assert.ok(pack.bytes.length <= buffer.byteLength);
  });

  it('takes no blob that would make its header longer than restic reads', () => {
    const builder = new PackBuilder('data', new ArrayBuffer(64 * 2 ** 20));
    builder.append(tinyBlobs(most - 1));
    assert.equal(builder.fits(40), true);
    assert.equal(builder.takes(tinyBlobs(1), packSizeBytes.maximum), true);
    assert.equal(builder.takes(tinyBlobs(2), packSizeBytes.maximum), false);
    builder.append(tinyBlobs(1));
    assert.equal(builder.fits(40), false);
    assert.equal(builder.takes(tinyBlobs(1), packSizeBytes.maximum), false);
    assert.equal(builder.finish(tools.cipher).blobs.length, most);
  });
});
