/** Data sets of few large files: written in pieces, changed in ranges. */
import { ftruncateSync } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { byteStream } from './byte-stream.ts';
import type { ByteStream } from './byte-stream.ts';
import type { TreeChanges } from './tree-changes.ts';

export const mebibyte = 2 ** 20;

/** A size at a scale, in whole units and at least `unitBytes`. */
export function scaledBytes(sizeBytes: number, scale: number, unitBytes: number): number {
  return Math.max(1, Math.round((sizeBytes * scale) / unitBytes)) * unitBytes;
}

export async function writeLargeFile(
  path: string,
  sizeBytes: number,
  pieceBytes: number,
  piece: (index: number, stream: ByteStream) => Buffer,
  seed: string,
): Promise<void> {
  const stream = byteStream(seed);
  const file = await open(path, 'wx');
  try {
    for (let done = 0; done < sizeBytes; done += pieceBytes)
      await file.write(piece(done / pieceBytes, stream));
  } finally {
    await file.close();
  }
}

/** A file that is a hole but for pieces at random places of a grid. */
export async function writeSparseFile(
  path: string,
  {
    sizeBytes,
    pieceBytes,
    count,
    seed,
  }: { sizeBytes: number; pieceBytes: number; count: number; seed: string },
): Promise<void> {
  const stream = byteStream(seed);
  const places = sizeBytes / pieceBytes;
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(stream.below(places));
  const file = await open(path, 'wx');
  try {
    ftruncateSync(file.fd, sizeBytes);
    for (const place of [...chosen].sort((a, b) => a - b)) {
      await file.write(stream.noise(pieceBytes), 0, pieceBytes, place * pieceBytes);
    }
  } finally {
    await file.close();
  }
}

/** Overwrites every hundredth piece of each file; of a file with fewer pieces, one. */
export async function changePieces(folder: string, pieceBytes: number, changes: TreeChanges): Promise<void> {
  for (const name of (await readdir(folder)).sort()) {
    const pieces = Math.floor((await stat(join(folder, name))).size / pieceBytes);
    const stream = byteStream(`change ${name}`);
    for (let index = 50 % Math.max(1, pieces); index < pieces; index += 100) {
      changes.overwrite(name, index * pieceBytes, stream.noise(pieceBytes));
    }
  }
}
