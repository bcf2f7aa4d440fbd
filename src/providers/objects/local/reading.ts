import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { StoreError, throwIfAborted } from '../../../base/errors.ts';
import type { GetOptions } from '../driver.ts';

const PIECE_BYTES = 1024 * 1024;
/** Never blocks on a FIFO, follows no link that stands in an object's place. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Memory that is lent out for one reading at a time. New memory for every piece costs more than to read it: most of it
 * is spent in the garbage collector.
 */
const lendable: Buffer[] = [];
const MOST_LENDABLE = 16;

/**
 * The file's bytes, or those of the range that it has, in buffers of at most 1 MiB, which are new unless the caller
 * borrows them; throws system errors as they are.
 */
export async function* readPieces(
  path: string,
  { range, signal, borrows }: GetOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  throwIfAborted(signal);
  const handle = await open(path, OPEN_FLAGS);
  const lent = borrows === true ? (lendable.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES)) : undefined;
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new StoreError('not-found', 'no such object', { where: path });
    const end = Math.min(range?.end ?? status.size, status.size);
    for (let position = range?.start ?? 0; position < end;) {
      throwIfAborted(signal);
      const piece = await readPiece(handle, position, Math.min(PIECE_BYTES, end - position), lent);
      if (piece.byteLength === 0)
        throw new StoreError('io', 'the file shrank while it was read', { where: path });
      position += piece.byteLength;
      yield piece;
    }
  } finally {
    await handle.close();
    if (lent !== undefined && lendable.length < MOST_LENDABLE) lendable.push(lent);
  }
}

async function readPiece(
  handle: FileHandle,
  position: number,
  sizeBytes: number,
  lent: Buffer | undefined,
): Promise<Uint8Array> {
  const piece = lent ?? Buffer.allocUnsafeSlow(sizeBytes);
  const { bytesRead } = await handle.read(piece, 0, sizeBytes, position);
  return piece.subarray(0, bytesRead);
}
