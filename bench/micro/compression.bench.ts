// Compression, decompression and the probe that decides whether to compress at all.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { compressBound } from '../../src/repository/compression/compressor.ts';
import { createCompressor } from '../../src/repository/compression/open-compressor.ts';
import { isCompressible } from '../../src/repository/compression/probe.ts';
import { runCases, sizeName } from './suite.ts';

const mib = 2 ** 20;
// The running program is a mixture of machine code, tables and text that every machine has.
const program = readFileSync(process.execPath).subarray(mib, 10 * mib);
const noise = randomBytes(8 * mib);

for (const implementation of ['native', 'portable'] as const) {
  const compressor = createCompressor({ implementation });
  const cases = [1024, 64 * 1024, 1.5 * mib].flatMap((bytes) => {
    const plain = program.subarray(0, bytes);
    const out = Buffer.alloc(compressBound(bytes));
    const frame = compressor.compress(plain, 3);
    return [
      ...[1, 3].map((level) => ({
        name: `compress at level ${level}, ${sizeName(bytes)}`,
        bytes,
        work: () => void compressor.compressInto(plain, out, level),
      })),
      {
        name: `decompress ${sizeName(bytes)}`,
        bytes,
        work: () => void compressor.decompressInto(frame, out),
      },
    ];
  });
  runCases(`compression, ${implementation}`, cases);
  compressor.close();
}

runCases('probe', [
  { name: 'noise, 8 MiB', bytes: noise.byteLength, work: () => void isCompressible(noise) },
  { name: 'a program, 8 MiB', bytes: 8 * mib, work: () => void isCompressible(program.subarray(0, 8 * mib)) },
]);
