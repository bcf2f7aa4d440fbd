import { createFileAt, close, truncate, writeAt } from '../../src/base/file-system.ts';
import type { Random } from './seed.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const BLOCK = 4096;

export interface FilePart {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** What a file holds: parts in order, holes between them and behind the last. */
export interface FileContents {
  readonly sizeBytes: number;
  readonly parts: readonly FilePart[];
}

export const EMPTY_CONTENTS: FileContents = { sizeBytes: 0, parts: [] };

/** Contents of at most `budgetBytes` of data; a sparse file may have a larger size. */
export function randomContents(random: Random, budgetBytes: number): FileContents {
  const roll = random.below(20);
  if (roll < 2 || budgetBytes === 0) return EMPTY_CONTENTS;
  if (roll < 4) return sparseContents(random, budgetBytes);
  const size = Math.min(budgetBytes, randomSize(random));
  return wholeContents(randomData(random, size));
}

/** Contents large enough for several chunks: 1 to 3 MiB. */
export function largeContents(random: Random): FileContents {
  const bytes = randomData(random, random.between(MIB, 3 * MIB));
  // Zeros that are written, not a hole: a mover may store them as either.
  if (random.chance(0.3)) bytes.fill(0, 300 * KIB, 300 * KIB + random.below(600 * KIB));
  return wholeContents(bytes);
}

/** Data that is random, text-like, a repeated block, or all zeros. */
export function randomData(random: Random, length: number): Buffer {
  const roll = random.below(8);
  if (roll === 0) return Buffer.alloc(length);
  if (roll === 1) return Buffer.alloc(length, random.bytes(random.between(1, 64)));
  if (roll === 2) return Buffer.alloc(length, `line ${random.next()} of a log file, much like the others\n`);
  return random.bytes(length);
}

export function wholeContents(bytes: Buffer): FileContents {
  return { sizeBytes: bytes.length, parts: bytes.length === 0 ? [] : [{ offset: 0, bytes }] };
}

/** Creates the file with these contents, holes left unwritten. */
export function createFile(directoryFd: number, name: Uint8Array, contents: FileContents): void {
  const fd = createFileAt(directoryFd, name, 0o600);
  try {
    for (const part of contents.parts) writeAt(fd, part.bytes, part.offset);
    truncate(fd, contents.sizeBytes);
  } finally {
    close(fd);
  }
}

/** Mostly small, as real trees are; around block and power-of-two borders now and then. */
function randomSize(random: Random): number {
  const roll = random.below(10);
  if (roll < 5) return random.between(1, 2 * KIB);
  if (roll < 7) return random.pick([1, 511, 512, 4095, BLOCK, 4097, 65_536]);
  return random.between(2 * KIB, 100 * KIB);
}

/** Holes at the start, in the middle and at the end in any combination, on and off block borders; or one hole only. */
function sparseContents(random: Random, budgetBytes: number): FileContents {
  const parts: FilePart[] = [];
  let offset = 0;
  for (let left = random.below(4); left > 0; left--) {
    offset += random.pick([0, BLOCK, 16 * BLOCK, random.below(300 * KIB)]);
    const bytes = random.bytes(
      Math.min(random.pick([1, BLOCK, 3 * BLOCK, random.between(1, 20 * KIB)]), budgetBytes),
    );
    parts.push({ offset, bytes });
    offset += bytes.length;
  }
  return { sizeBytes: offset + random.pick([0, BLOCK, random.below(MIB)]), parts };
}
