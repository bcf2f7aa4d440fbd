import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { StoreError, throwIfAborted } from '../../../base/errors.ts';
import type { ByteRange } from '../driver.ts';

const PIECE_BYTES = 1024 * 1024;
/** Never blocks on a FIFO, follows no link that stands in an object's place. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The file's bytes, or those of the range that it has, in new buffers of at most 1 MiB; throws system errors as they
 * are.
 */
export async function* readPieces(
  path: string,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  throwIfAborted(signal);
  const handle = await open(path, OPEN_FLAGS);
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new StoreError('not-found', 'no such object', { where: path });
    const end = Math.min(range?.end ?? status.size, status.size);
    for (let position = range?.start ?? 0; position < end;) {
      throwIfAborted(signal);
      const piece = await readPiece(handle, position, Math.min(PIECE_BYTES, end - position));
      if (piece.byteLength === 0)
        throw new StoreError('io', 'the file shrank while it was read', { where: path });
      position += piece.byteLength;
      yield piece;
    }
  } finally {
    await handle.close();
  }
}

async function readPiece(handle: FileHandle, position: number, sizeBytes: number): Promise<Uint8Array> {
  const piece = Buffer.allocUnsafeSlow(sizeBytes);
  const { bytesRead } = await handle.read(piece, 0, sizeBytes, position);
  return piece.subarray(0, bytesRead);
}
