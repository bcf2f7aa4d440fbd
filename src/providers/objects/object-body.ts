import type { ObjectBody } from './driver.ts';

/** The body as a list of its pieces that are not empty. */
export function bodyPieces(body: ObjectBody): readonly Uint8Array[] {
  const pieces = body instanceof Uint8Array ? [body] : body;
  return pieces.filter((piece) => piece.byteLength > 0);
}

/** Bytes in all pieces. */
export function bodySizeBytes(body: ObjectBody): number {
  if (body instanceof Uint8Array) return body.byteLength;
  return body.reduce((total, piece) => total + piece.byteLength, 0);
}

/** One new buffer with all bytes of the body. */
export function copyBody(body: ObjectBody): Buffer {
  return Buffer.concat(bodyPieces(body));
}

/** All bytes of a stream as one buffer; a stream of one piece is not copied. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  const first = pieces[0];
  if (pieces.length === 1 && first !== undefined) {
    return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  }
  return Buffer.concat(pieces);
}
