import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Compressor } from '../../../src/repository/compression/compressor.ts';
import { decodeUnpacked, encodeUnpacked } from '../../../src/repository/format/unpacked.ts';
import { throwsCode } from '../../support/error-code.ts';

const where = 'index/abc';
const json = Buffer.from(`{"packs":[${' '.repeat(1000)}]}`);

/** Node's own zstd; only what these frames use. */
const compressor: Pick<Compressor, 'compress' | 'decompress'> = {
  compress: (input, level) =>
    zstdCompressSync(input, { params: { [constants.ZSTD_c_compressionLevel]: level } }),
  decompress: (input, limitBytes) => zstdDecompressSync(input, { maxOutputLength: limitBytes }),
};

describe('an unpacked file', () => {
  it('of version 2 is a mark and a zstd frame', () => {
    const plaintext = encodeUnpacked(json, 2, compressor);
    assert.equal(plaintext[0], 2);
    assert.equal(Buffer.from(plaintext.subarray(1, 5)).toString('hex'), '28b52ffd');
    assert.ok(plaintext.length < json.length);
    assert.deepEqual(Buffer.from(decodeUnpacked(plaintext, compressor, json.length, where)), json);
  });

  it('of version 1 is the JSON', () => assert.deepEqual(encodeUnpacked(json, 1, compressor), json));

  it('is taken uncompressed as well, and empty', () => {
    for (const text of ['{"a":1}', '[]', '']) {
      assert.equal(Buffer.from(decodeUnpacked(Buffer.from(text), compressor, 100, where)).toString(), text);
    }
  });

  it('is refused beyond its limit, compressed or not', () => {
    const bomb = encodeUnpacked(Buffer.alloc(10_000_000, '['), 2, compressor);
    assert.ok(bomb.length < 10_000);
    throwsCode('corrupt', () => decodeUnpacked(bomb, compressor, 1000, where), where);
    throwsCode('corrupt', () => decodeUnpacked(json, compressor, json.length - 1, where), where);
  });

  for (const hex of ['02', '0228b52ffd', '02ffffffff', '01', '00', 'ff7b7d', '207b7d', 'efbbbf7b7d']) {
    it(`is refused as ${hex}`, () => {
      throwsCode('corrupt', () => decodeUnpacked(Buffer.from(hex, 'hex'), compressor, 1000, where), where);
    });
  }
});
