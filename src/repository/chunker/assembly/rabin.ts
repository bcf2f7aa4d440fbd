import {
  firstTableAddress as modTable,
  secondTableAddress as outTable,
  hashWindowBytes,
} from '../memory-layout';

// A digest needs the one before it, and the table load between them takes most of the time. A block is therefore
// hashed as four segments side by side: each warms up on the 64 bytes in front of it, and the processor overlaps
// their loads.
const segmentBytes: usize = 4096;
const blockBytes: usize = 4 * segmentBytes;

/** mod[i] clears the byte that leaves on the left and adds it back reduced: the digest stays below 2^53. */
function reduce(digest: u64): u64 {
  return load<u64>((<usize>(digest >>> 42)) & 0x7f8, modTable);
}

/** Digest of the window that ends one byte further; `oldest` is the address of the byte that leaves. */
function slide(digest: u64, leaving: u8, entering: u8): u64 {
  return ((digest << 8) | entering) ^ load<u64>((<usize>leaving) << 3, outTable) ^ reduce(digest);
}

/** Digest of the 64 bytes from `address` on. */
export function rabinDigest(address: usize): u64 {
  let digest: u64 = 0;
  for (let i: usize = 0; i < <usize>hashWindowBytes; i++)
    digest = ((digest << 8) | load<u8>(address + i)) ^ reduce(digest);
  return digest;
}

/**
 * The smallest length in [first, last] after which a chunk from `start` on may be cut: the digest of its last 64
 * bytes has `bits` zero bits at its low end. 0 when there is none. `first` must be at least 64.
 */
export function findRabinCut(start: usize, first: u32, last: u32, bits: u32): u32 {
  const mask: u32 = ((<u32>1) << bits) - 1;
  let oldest: usize = start + first - hashWindowBytes;
  const end: usize = start + last - hashWindowBytes;
  let digest = rabinDigest(oldest);
  if (((<u32>digest) & mask) == 0) return first;

  while (end - oldest >= blockBytes) {
    let digest0 = digest;
    let digest1 = rabinDigest(oldest + segmentBytes);
    let digest2 = rabinDigest(oldest + 2 * segmentBytes);
    let digest3 = rabinDigest(oldest + 3 * segmentBytes);
    const segmentEnd: usize = oldest + segmentBytes;
    let at: usize = oldest;
    for (; at < segmentEnd; at++) {
      digest0 = slide(digest0, load<u8>(at), load<u8>(at, hashWindowBytes));
      digest1 = slide(digest1, load<u8>(at, segmentBytes), load<u8>(at, segmentBytes + hashWindowBytes));
      digest2 = slide(
        digest2,
        load<u8>(at, 2 * segmentBytes),
        load<u8>(at, 2 * segmentBytes + hashWindowBytes),
      );
      digest3 = slide(
        digest3,
        load<u8>(at, 3 * segmentBytes),
        load<u8>(at, 3 * segmentBytes + hashWindowBytes),
      );
      if (((<u32>digest0) & mask) == 0) break;
      if (((<u32>digest1) & mask) == 0) break;
      if (((<u32>digest2) & mask) == 0) break;
      if (((<u32>digest3) & mask) == 0) break;
    }
    if (at < segmentEnd) break; // A cut is in this block; the byte-wise loop below tells which is the first.
    oldest += blockBytes;
    digest = digest3;
  }

  while (oldest < end) {
    digest = slide(digest, load<u8>(oldest), load<u8>(oldest, hashWindowBytes));
    oldest++;
    if (((<u32>digest) & mask) == 0) return <u32>(oldest - start) + hashWindowBytes;
  }
  return 0;
}
