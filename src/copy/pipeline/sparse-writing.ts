import { punchHole, writeAt } from '../../base/file-system.ts';
import type { ChunkTarget } from './protocol.ts';
import { holeBlockBytes, isZero } from './zero-bytes.ts';

/**
 * Writes all but whole blocks of zeros, which become holes. Returns where the last byte that was written ends, counted
 * from the first of `bytes`: whatever is behind it is a hole, and the file's size is the caller's to set.
 */
export function writeWithHoles(target: ChunkTarget, bytes: Buffer): number {
  let end = 0;
  const write = (from: number, to: number): void => {
    if (from === to) return;
    writeAt(target.fd, bytes.subarray(from, to), target.position + from);
    end = to;
  };
  let written = 0;
  let offset = Math.min(bytes.length, (holeBlockBytes - (target.position % holeBlockBytes)) % holeBlockBytes);
  while (offset + holeBlockBytes <= bytes.length) {
    const holeStart = offset;
    while (offset + holeBlockBytes <= bytes.length && isZero(bytes, offset, offset + holeBlockBytes)) {
      offset += holeBlockBytes;
    }
    if (offset === holeStart) {
      offset += holeBlockBytes;
      continue;
    }
    if (!target.isFresh && !punchHole(target.fd, target.position + holeStart, offset - holeStart)) continue;
    write(written, holeStart);
    written = offset;
  }
  write(written, bytes.length);
  return end;
}
