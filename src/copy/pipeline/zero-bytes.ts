/** File systems allocate in blocks of this size or a multiple of it; a shorter run of zeros cannot become a hole. */
export const holeBlockBytes = 4096;

const zeroBlock = Buffer.alloc(holeBlockBytes);

/** True when all bytes in [start, end), of which there must be one, are zero. */
export function isZero(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== 0) return false;
  for (let offset = start; offset < end; offset += holeBlockBytes) {
    const length = Math.min(holeBlockBytes, end - offset);
    if (bytes.compare(zeroBlock, 0, length, offset, offset + length) !== 0) return false;
  }
  return true;
}
