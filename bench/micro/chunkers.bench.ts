// How fast each chunker cuts 256 MiB of random data: all bytes, and the bytes hashed (a minimum is skipped a chunk).
import { randomFillSync } from 'node:crypto';
import { chunkSizes } from '../../src/repository/chunker/chunker.ts';
import { openChunker } from '../../src/repository/chunker/open-chunker.ts';

const rounds = 8;
const parameters = { polynomial: 0x3da3358b4dc173n, gearSeed: new Uint8Array(32).fill(7) };

for (const name of ['rabin', 'fastcdc'] as const) {
  const chunker = openChunker(name, parameters);
  const { window } = chunker;
  let chunks = 0;
  let hashedBytes = 0;
  let milliseconds = 0;
  let forced = 0;
  for (let round = 0; round < rounds; round++) {
    randomFillSync(window);
    const started = performance.now();
    for (let start = 0; start < window.length;) {
      const length = chunker.nextChunk(start, window.length, true);
      hashedBytes += Math.max(0, length - chunkSizes.minimumBytes);
      if (length === chunkSizes.maximumBytes) forced++;
      start += length;
      chunks++;
    }
    milliseconds += performance.now() - started;
  }
  const totalBytes = rounds * window.length;
  const megabytesPerSecond = (bytes: number) => Math.round(bytes / milliseconds / 1000);
  console.log(
    `${name.padEnd(8)} ${megabytesPerSecond(totalBytes)} MB/s (${megabytesPerSecond(hashedBytes)} MB/s hashed), ` +
      `${chunks} chunks, mean ${Math.round(totalBytes / chunks / 1024)} KiB, ${forced} at the maximum`,
  );
}
