import { Readable } from 'node:stream';
import type { ObjectBody } from './driver.ts';
import { bodyPieces } from './object-body.ts';

/** What is handed to the socket at once: small enough to see it move, large enough to cost nothing. */
const SLICE_BYTES = 256 * 1024;
/** With a limit of bandwidth: servers give up a connection on which nothing came for some 20 seconds. */
const PACED_SLICE_BYTES = 16 * 1024;

export interface BodyEvents {
  /** The socket takes another slice. */
  readonly onSlice: () => void;
  /** It has taken the last one. */
  readonly onEnd: () => void;
  /** Waits until so many bytes may be sent. */
  readonly pace?: ((bytes: number) => Promise<void>) | undefined;
}

/** The body as a stream of slices without a copy. */
export function bodyStream(body: ObjectBody, events: BodyEvents): Readable {
  const { onEnd, onSlice, pace } = events;
  if (pace === undefined) {
    const whole = slices(body, SLICE_BYTES, onSlice, onEnd);
    return Readable.from(whole, { objectMode: false, highWaterMark: SLICE_BYTES });
  }
  const paced = pacedSlices(slices(body, PACED_SLICE_BYTES, onSlice, onEnd), pace);
  return Readable.from(paced, { objectMode: false, highWaterMark: PACED_SLICE_BYTES });
}

function* slices(
  body: ObjectBody,
  sliceBytes: number,
  onSlice: () => void,
  onEnd: () => void,
): Generator<Uint8Array, void, undefined> {
  for (const piece of bodyPieces(body)) {
    for (let start = 0; start < piece.byteLength; start += sliceBytes) {
      onSlice();
      const end = Math.min(start + sliceBytes, piece.byteLength);
      yield Buffer.from(piece.buffer, piece.byteOffset + start, end - start);
    }
  }
  onEnd();
}

async function* pacedSlices(
  plain: Generator<Uint8Array, void, undefined>,
  pace: (bytes: number) => Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const slice of plain) {
    await pace(slice.byteLength);
    yield slice;
  }
}
