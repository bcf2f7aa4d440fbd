import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { BlobSealer } from '../../../src/copy/pipeline/blob-sealer.ts';
import { PackBuffers } from '../../../src/copy/pipeline/pack-buffers.ts';
import { SealedBlobCheck } from '../../../src/copy/pipeline/sealed-blob-check.ts';
import type { SealedBlob } from '../../../src/copy/pipeline/sealed-blob-check.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { createCompressor } from '../../../src/repository/compression/open-compressor.ts';
import { createCipher } from '../../../src/repository/crypto/open-cipher.ts';
import type { OpenPack } from '../../../src/repository/pack-builder.ts';
import { createRandom, scaled } from '../../support/seed.ts';
import { workplace } from '../copying.ts';

const key = { encrypt: Buffer.alloc(32, 1), macK: Buffer.alloc(16, 2), macR: Buffer.alloc(16, 3) };
const cipher = createCipher(key);
const compressor = createCompressor();
const check = new SealedBlobCheck(cipher, compressor);
const corrupt = { code: 'corrupt', message: /a blob changed between hashing and sealing/ };

function flipBit(bytes: Uint8Array, bit: number): void {
  bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
}

interface Steps {
  /** Called with the plaintext after its fingerprint was taken. */
  readonly hashed?: (plaintext: Buffer) => void;
  readonly compressed?: (frame: Buffer) => void;
  readonly sealed?: (envelope: Buffer) => void;
}

/** A blob as the sealer makes it, with something done to its bytes after a step. */
function sealedBlob(plaintext: Buffer, isCompressed: boolean, steps: Steps = {}): SealedBlob {
  const fingerprint = check.fingerprint(plaintext);
  steps.hashed?.(plaintext);
  const frame = isCompressed ? compressor.compress(plaintext, 3) : undefined;
  if (frame !== undefined) steps.compressed?.(frame);
  const envelope = cipher.seal(frame ?? plaintext);
  steps.sealed?.(envelope);
  return { id: 'ab'.repeat(32), envelope, frame, plaintext, fingerprint };
}

for (const isCompressed of [false, true]) {
  describe(`a blob that was sealed ${isCompressed ? 'compressed' : 'raw'}`, () => {
    it('passes, and its bytes are what they were', () => {
      const random = createRandom(5);
      for (const size of isCompressed ? [1, 4096, 3_000_000] : [0, 1, 4096, 3_000_000]) {
        const bytes = random.bytes(size);
        const plaintext = Buffer.from(bytes);
        const frame = sealedBlob(plaintext, isCompressed);
        check.assertOpens(frame);
        assert.ok(plaintext.equals(bytes));
      }
    });

    it('is refused when one bit of its plaintext flips after it was hashed', () => {
      const random = createRandom(6);
      for (let round = 0; round < scaled(300, 1000); round++) {
        const plaintext = random.bytes(1 + random.below(20_000));
        const bit = random.below(plaintext.length * 8);
        const blob = sealedBlob(plaintext, isCompressed, { hashed: (bytes) => flipBit(bytes, bit) });
        assert.throws(() => check.assertOpens(blob), corrupt);
      }
    });

    it('is refused when one bit of its envelope flips', () => {
      const random = createRandom(7);
      for (let round = 0; round < scaled(300, 1000); round++) {
        const blob = sealedBlob(random.bytes(1 + random.below(20_000)), isCompressed, {
          sealed: (envelope) => flipBit(envelope, random.below(envelope.length * 8)),
        });
        assert.throws(() => check.assertOpens(blob), { code: 'corrupt' });
      }
    });
  });
}

describe('a blob whose frame is not what it was compressed to', () => {
  it('is refused when one bit of the frame flips before it is sealed', () => {
    const random = createRandom(8);
    for (let round = 0; round < scaled(300, 1000); round++) {
      // Text, so that a flipped bit changes what is decompressed and not only a literal.
      const plaintext = Buffer.from('tranship '.repeat(200) + random.bytes(300).toString('hex'));
      const original = Buffer.from(plaintext);
      const blob = sealedBlob(plaintext, true, {
        compressed: (frame) => flipBit(frame, random.below(frame.length * 8)),
      });
      try {
        check.assertOpens(blob);
        // A bit that zstd does not look at: what is stored is right.
        assert.ok(plaintext.equals(original));
      } catch (error) {
        assert.equal(error instanceof Error && 'code' in error && error.code, 'corrupt');
      }
    }
  });

  it('is refused when it opens to the first part of the plaintext', () => {
    const plaintext = Buffer.alloc(100_000, 'abc');
    const fingerprint = check.fingerprint(plaintext);
    const frame = compressor.compress(plaintext.subarray(0, 99_000), 3);
    const blob = { id: 'ab'.repeat(32), envelope: cipher.seal(frame), frame, plaintext, fingerprint };
    assert.throws(() => check.assertOpens(blob), corrupt);
  });
});

describe('the sealer', () => {
  it('uploads nothing of a blob that changed in memory between hashing and sealing', async (t) => {
    const { repository } = await workplace(t);
    const index = BlobIndex.create().memory;
    const { secrets } = repository;
    const setup = {
      secrets,
      index,
      compression: 'auto',
      packSizeBytes: 4 * 2 ** 20,
      verifySealed: true,
    } as const;
    const random = createRandom(9);
    const plaintext = random.bytes(50_000);
    const id = hash('sha256', plaintext, 'hex');
    // Hashing is over when the first pack is asked for, and sealing has not begun.
    class FaultyMemory extends PackBuffers {
      #isFaulty = true;

      override take(sealedBytes: number): Promise<SharedArrayBuffer> {
        if (this.#isFaulty) flipBit(plaintext, 123_456);
        this.#isFaulty = false;
        return super.take(sealedBytes);
      }
    }
    const handedOver: string[] = [];
    const note = (pack: Pick<OpenPack, 'blobs'>): void => {
      handedOver.push(...pack.blobs.map((blob) => blob.id));
    };
    const sealer = new BlobSealer(setup, new FaultyMemory(setup.packSizeBytes), note);
    await assert.rejects(sealer.store('data', plaintext), corrupt);
    // As a worker does with the job that waits behind the one that failed: it fills packs, and some are left open.
    const stored: string[] = [];
    for (let i = 0; i < 12; i++) stored.push((await sealer.store('data', random.bytes(500_000))).id);
    assert.ok(handedOver.length > 0);
    for (const pack of sealer.release()) note(pack);
    assert.equal(handedOver.includes(id), false);
    assert.deepEqual(handedOver.toSorted(), stored.toSorted());
    sealer.close();
  });
});
