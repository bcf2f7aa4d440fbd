import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { PackedBlob } from '../../../src/repository/format/blob.ts';
import {
  computePackSize,
  decodePackHeader,
  decodePackTrailer,
  eagerTailBytes,
  encodePackHeader,
  encodePackTrailer,
  maximumHeaderBytes,
  minimumPackBytes,
} from '../../../src/repository/format/pack.ts';
import { throwsCode } from '../../support/error-code.ts';
import { checkProperty } from '../../support/property.ts';
import { sha256 } from './tree-arbitrary.ts';

const id = sha256('hello');
const where = 'data/ab/abc';

const arbitraryBlobs = fc
  .array(
    fc.record({
      id: fc.string().map(sha256),
      type: fc.constantFrom('data' as const, 'tree' as const),
      length: fc.integer({ min: 32, max: 2 ** 24 }),
      uncompressedLength: fc.option(fc.integer({ min: 1, max: 0xffff_ffff }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((blobs): readonly PackedBlob[] => {
    let offset = 0;
    return blobs.map((blob) => {
      offset += blob.length;
      return { ...blob, offset: offset - blob.length };
    });
  });

describe('a pack header', () => {
  it("has restic's entries of 37 and 41 bytes", () => {
    const blobs: readonly PackedBlob[] = [
      { id, type: 'data', offset: 0, length: 37 },
      { id, type: 'tree', offset: 37, length: 0x01_02_03 },
      { id, type: 'data', offset: 66_088, length: 40, uncompressedLength: 0x01_02_03_04 },
      { id, type: 'tree', offset: 66_128, length: 41, uncompressedLength: 1 },
    ];
    const header = encodePackHeader(blobs);
    const expected = `0025000000${id}0103020100${id}022800000004030201${id}032900000001000000${id}`;
    assert.equal(header.toString('hex'), expected);
    assert.equal(computePackSize(blobs), 66_169 + 2 * 37 + 2 * 41 + 36);
    const decoded = decodePackHeader(header, computePackSize(blobs), where);
    assert.deepEqual(
      decoded.map(({ uncompressedLength, ...blob }) =>
        uncompressedLength === undefined ? blob : { ...blob, uncompressedLength },
      ),
      blobs,
    );
  });

  it('gives back every list of blobs', (t) => {
    checkProperty(
      t,
      fc.property(arbitraryBlobs, (blobs) => {
        assert.deepEqual(decodePackHeader(encodePackHeader(blobs), computePackSize(blobs), where), blobs);
      }),
    );
  });

  it('with up to 15 blobs lies in the tail that readers fetch', () => {
    assert.equal(eagerTailBytes, 651);
    assert.equal(minimumPackBytes, 73);
  });

  it('refuses to list what readers would not find', () => {
    const blob: PackedBlob = { id, type: 'data', offset: 0, length: 100 };
    throwsCode('invalid-argument', () => encodePackHeader([]));
    throwsCode('invalid-argument', () => encodePackHeader([{ ...blob, offset: 1 }]));
    throwsCode('invalid-argument', () => encodePackHeader([blob, blob]));
    throwsCode('invalid-argument', () => encodePackHeader([{ ...blob, length: 2 ** 32 }]));
    throwsCode('invalid-argument', () => encodePackHeader([{ ...blob, uncompressedLength: 0 }]));
    throwsCode('invalid-argument', () => encodePackHeader([{ ...blob, id: 'x' }]));
  });

  it('is limited to the 16 MiB that restic reads', () => {
    const entries = (count: number): readonly PackedBlob[] =>
      Array.from({ length: count }, (_, index) => ({
        id,
        type: 'tree',
        offset: index * 33,
        length: 33,
        uncompressedLength: 1,
      }));
    assert.ok(encodePackHeader(entries(409_199)).length + 32 <= maximumHeaderBytes);
    throwsCode('invalid-argument', () => encodePackHeader(entries(409_200)));
  });
});

describe('a hostile pack header', () => {
  const header = encodePackHeader([
    { id, type: 'data', offset: 0, length: 100 },
    { id, type: 'tree', offset: 100, length: 50, uncompressedLength: 9 },
  ]);
  const sizeBytes = 150 + 78 + 36;

  function refused(title: string, bytes: Uint8Array, size = sizeBytes): void {
    it(`is refused with ${title}`, () =>
      throwsCode('corrupt', () => decodePackHeader(bytes, size, where), where));
  }

  refused('no entry', Buffer.alloc(0));
  refused('an entry cut short', header.subarray(0, 77));
  refused('one byte too many', Buffer.concat([header, Buffer.of(0)]));
  refused('blobs that reach into the header', header, sizeBytes - 1);
  refused('a gap before the header', header, sizeBytes + 1);
  refused('an unknown type', Buffer.concat([Buffer.of(4), header.subarray(1)]));
  refused('type 255', Buffer.concat([Buffer.of(255), header.subarray(1)]));
  refused('a blob too short for its envelope', Buffer.from(`001f000000${id}`, 'hex'), 31 + 37 + 36);
  refused('a compressed blob of no length', Buffer.from(`022800000000000000${id}`, 'hex'), 40 + 41 + 36);
  refused(
    'lengths beyond 32 bits in sum',
    Buffer.from(`00ffffffff${id}00ffffffff${id}`, 'hex'),
    2 * 0xffff_ffff + 110,
  );
});

describe('a pack trailer', () => {
  it('is the length of the sealed header', () => {
    assert.equal(encodePackTrailer(0x01_02_03).toString('hex'), '03020100');
    assert.equal(decodePackTrailer(Buffer.from('ffff45000000', 'hex'), 73, where), 69);
  });

  const lengths = [0, 1, 68, 97, maximumHeaderBytes + 1, 0xffff_ffff];
  for (const length of lengths) {
    it(`is refused with ${length} in a pack of 100 bytes`, () => {
      throwsCode('corrupt', () => decodePackTrailer(encodePackTrailer(length), 100, where), where);
    });
  }

  it('is refused beyond 16 MiB in a pack of any size', () => {
    const trailer = encodePackTrailer(maximumHeaderBytes + 1);
    throwsCode('corrupt', () => decodePackTrailer(trailer, 2 ** 31, where), where);
  });

  it('is refused in a pack that is too short for any', () => {
    throwsCode('corrupt', () => decodePackTrailer(Buffer.alloc(0), 0, where), where);
    throwsCode('corrupt', () => decodePackTrailer(Buffer.of(69, 0, 0), 3, where), where);
    throwsCode('corrupt', () => decodePackTrailer(encodePackTrailer(69), 72, where), where);
  });
});
