import type { Chunker } from './chunker.ts';
import { chunkSizes } from './chunker.ts';
import { createChunkerKernels } from './chunker-kernels.ts';
import { gearTable } from './gear-table.ts';
import { firstTableAddress, windowAddress } from './memory-layout.ts';
import { createWindowChunker } from './window-chunker.ts';

// Changing one of these three, or the gear table, moves every cut: all data of existing repositories would be stored
// again.
const normalBytes = 1408 * 1024;
const strictBits = 22;
const looseBits = 18;

/**
 * FastCDC (Xia et al., USENIX ATC 2016) with a gear hash and normalized chunking: below `normalBytes` a cut needs
 * more zero bits than above, which draws the lengths together. The zero bits are the hash's highest, which depend on
 * more than 40 of the last 64 bytes each. On random data the mean is 1526 KiB, 90 % of the chunks have 720 to 2120
 * KiB, and a cut forced by the maximum is a matter of e^-26 (none in 685 chunks; the longest had 2811 KiB). A run of
 * one byte has one hash, so its chunks all have one length: the maximum's for nearly every seed. Throws UsageError
 * unless `gearSeed` has 32 bytes.
 */
export function createFastcdcChunker(gearSeed: Uint8Array, windowBytes?: number): Chunker {
  const kernels = createChunkerKernels(windowBytes);
  kernels.setTable(firstTableAddress, gearTable(gearSeed));
  return createWindowChunker({
    name: 'fastcdc',
    window: kernels.window,
    findCut(start, limit) {
      const address = windowAddress + start;
      const strictLimit = Math.min(limit, normalBytes - 1);
      const cut = kernels.findGearCut(address, chunkSizes.minimumBytes, strictLimit, strictBits);
      if (cut > 0 || limit < normalBytes) return cut;
      return kernels.findGearCut(address, normalBytes, limit, looseBits);
    },
  });
}
