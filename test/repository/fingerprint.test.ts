import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fingerprintFunction } from '../../src/repository/fingerprint.ts';
import { createRandom, scaled } from '../support/seed.ts';

describe('a fingerprint', () => {
  const fingerprint = fingerprintFunction();

  it('is the same for the same bytes, wherever they stand', () => {
    const random = createRandom(1);
    for (const size of [0, 1, 31, 32, 33, 4096, 1_000_003]) {
      const bytes = random.bytes(size);
      const shared = new Uint8Array(new SharedArrayBuffer(size + 3), 3);
      shared.set(bytes);
      assert.equal(fingerprint(shared), fingerprint(bytes));
    }
  });

  it('differs when any one bit differs', () => {
    const random = createRandom(2);
    for (let round = 0; round < scaled(2000, 50_000); round++) {
      const bytes = random.bytes(1 + random.below(5000));
      const before = fingerprint(bytes);
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      assert.notEqual(fingerprint(bytes), before);
    }
  });
});
