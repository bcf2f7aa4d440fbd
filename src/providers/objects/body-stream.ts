import { Readable } from 'node:stream';
import type { ObjectBody } from './driver.ts';
import { bodyPieces } from './object-body.ts';

/** What is handed to the socket at once: small enough to see it move, large enough to cost nothing. */
const SLICE_BYTES = 256 * 1024;

export interface BodyEvents {
  /** The socket takes another slice. */
  readonly onSlice: () => void;
  /** It has taken the last one. */
  readonly onEnd: () => void;
}

/** The body as a stream of slices without a copy. */
export function bodyStream(body: ObjectBody, events: BodyEvents): Readable {
  return Readable.from(slices(body, events), { objectMode: false, highWaterMark: SLICE_BYTES });
}

function* slices(body: ObjectBody, { onSlice, onEnd }: BodyEvents): Generator<Uint8Array, void, undefined> {
  for (const piece of bodyPieces(body)) {
    for (let start = 0; start < piece.byteLength; start += SLICE_BYTES) {
      onSlice();
      const end = Math.min(start + SLICE_BYTES, piece.byteLength);
      yield Buffer.from(piece.buffer, piece.byteOffset + start, end - start);
    }
  }
  onEnd();
}
