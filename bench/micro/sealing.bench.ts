/**
 * Speed of sealing, opening and compression on one thread, MB/s of plaintext, with native and portable code.
 * Each line takes about a fifth of a second; the best of three runs counts.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { compressBound } from '../../src/repository/compression/compressor.ts';
import { createCompressor } from '../../src/repository/compression/open-compressor.ts';
import { isCompressible } from '../../src/repository/compression/probe.ts';
import { envelopeOverheadBytes } from '../../src/repository/crypto/cipher.ts';
import { createCipher } from '../../src/repository/crypto/open-cipher.ts';
import { generateMasterKey } from '../../src/repository/crypto/password-key.ts';

const kib = 1024;
const mib = 1024 * kib;
const sizes = [kib, 64 * kib, 1.5 * mib, 8 * mib];
const implementations = ['native', 'portable'] as const;
const runs = 3;
const runMs = 60;

/** Seconds that one call takes. */
function measure(work: () => void): number {
  let best = Infinity;
  work();
  for (let run = 0; run < runs; run++) {
    const startMs = performance.now();
    let calls = 0;
    let elapsedMs = 0;
    do {
      work();
      calls++;
      elapsedMs = performance.now() - startMs;
    } while (elapsedMs < runMs);
    best = Math.min(best, elapsedMs / calls / 1000);
  }
  return best;
}

function report(name: string, sizeBytes: number, work: () => void): void {
  const seconds = measure(work);
  const size = sizeBytes < mib ? `${sizeBytes / kib} KiB` : `${sizeBytes / mib} MiB`;
  const speed = (sizeBytes / seconds / 1e6).toFixed(0);
  const each = (seconds * 1e6).toFixed(1);
  process.stdout.write(
    `${name.padEnd(38)} ${size.padStart(8)} ${speed.padStart(7)} MB/s ${each.padStart(9)} us\n`,
  );
}

function benchCiphers(): void {
  const key = generateMasterKey();
  for (const implementation of implementations) {
    const cipher = createCipher(key, { implementation });
    for (const size of sizes) {
      const plaintext = randomBytes(size);
      const envelope = Buffer.alloc(size + envelopeOverheadBytes);
      report(`seal ${implementation}`, size, () => cipher.sealInto(plaintext, envelope, 0));
      report(`open ${implementation}`, size, () => cipher.openInto(envelope, plaintext));
    }
    cipher.close();
  }
}

function benchCompressors(): void {
  // The running program is a mixture of machine code, tables and text that every machine has.
  const program = readFileSync(process.execPath).subarray(mib, 10 * mib);
  const noise = randomBytes(8 * mib);
  for (const implementation of implementations) {
    const compressor = createCompressor({ implementation });
    for (const size of sizes) {
      const plain = program.subarray(0, size);
      const out = Buffer.alloc(compressBound(size));
      for (const level of [1, 3]) {
        report(`compress level ${level} ${implementation}`, size, () =>
          compressor.compressInto(plain, out, level),
        );
      }
      const frame = compressor.compress(plain, 3);
      report(`decompress ${implementation}`, size, () => compressor.decompressInto(frame, out));
    }
    const out = Buffer.alloc(compressBound(1.5 * mib));
    const incompressible = noise.subarray(0, 1.5 * mib);
    report(`compress noise level 3 ${implementation}`, 1.5 * mib, () =>
      compressor.compressInto(incompressible, out, 3),
    );
    compressor.close();
  }
  report('probe of noise', noise.byteLength, () => isCompressible(noise));
  report('probe of a program', 8 * mib, () => isCompressible(program.subarray(0, 8 * mib)));
}

benchCiphers();
benchCompressors();
