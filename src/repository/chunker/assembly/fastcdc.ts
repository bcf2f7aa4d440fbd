import { firstTableAddress as gearTable, hashWindowBytes } from '../memory-layout';

// As for Rabin: four segments side by side keep the processor busy while each waits for its own table load.
const segmentBytes: usize = 4096;
const blockBytes: usize = 4 * segmentBytes;

function append(hash: u64, byte: u8): u64 {
  return (hash << 1) + load<u64>((<usize>byte) << 3, gearTable);
}

/** Gear hash of the 64 bytes from `address` on: the 64 shifts leave nothing of what was hashed before. */
export function gearHash(address: usize): u64 {
  let hash: u64 = 0;
  for (let i: usize = 0; i < <usize>hashWindowBytes; i++) hash = append(hash, load<u8>(address + i));
  return hash;
}

/**
 * The smallest length in [first, last] after which a chunk from `start` on may be cut: the gear hash of its last 64
 * bytes has `bits` zero bits at its high end. 0 when there is none. `first` must be at least 64, `bits` in 1..63.
 */
export function findGearCut(start: usize, first: u32, last: u32, bits: u32): u32 {
  const limit: u64 = (<u64>1) << (64 - bits);
  let next: usize = start + first;
  const end: usize = start + last;
  let hash = gearHash(next - hashWindowBytes);
  if (hash < limit) return first;

  while (end - next >= blockBytes) {
    let hash0 = hash;
    let hash1 = gearHash(next + segmentBytes - hashWindowBytes);
    let hash2 = gearHash(next + 2 * segmentBytes - hashWindowBytes);
    let hash3 = gearHash(next + 3 * segmentBytes - hashWindowBytes);
    const segmentEnd: usize = next + segmentBytes;
    let at: usize = next;
    for (; at < segmentEnd; at++) {
      hash0 = append(hash0, load<u8>(at));
      hash1 = append(hash1, load<u8>(at, segmentBytes));
      hash2 = append(hash2, load<u8>(at, 2 * segmentBytes));
      hash3 = append(hash3, load<u8>(at, 3 * segmentBytes));
      if (hash0 < limit) break;
      if (hash1 < limit) break;
      if (hash2 < limit) break;
      if (hash3 < limit) break;
    }
    if (at < segmentEnd) break; // A cut is in this block; the byte-wise loop below tells which is the first.
    next += blockBytes;
    hash = hash3;
  }

  while (next < end) {
    hash = append(hash, load<u8>(next));
    next++;
    if (hash < limit) return <u32>(next - start);
  }
  return 0;
}
