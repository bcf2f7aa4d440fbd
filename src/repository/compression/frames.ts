import { RepositoryError } from '../../base/errors.ts';

/** One frame of zstd data, found without decompressing it. */
export interface Frame {
  readonly start: number;
  /** Offset behind the frame's last byte. */
  readonly end: number;
  /** The frame's contents are no longer than this; 0 for a skippable frame. */
  readonly boundBytes: number;
  readonly skippable: boolean;
}

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a5;
const maxBlockBytes = 128 * 1024;

/**
 * Walks the headers of concatenated zstd frames (RFC 8878, section 3.1). Needed because node:zlib stops silently after
 * the first frame, and to size a buffer for frames that do not tell their content's length: the bound comes from the
 * number of blocks, so a header that lies about its length reserves nothing. Throws RepositoryError `corrupt` when the
 * input is empty, is cut off, or holds anything but frames.
 */
export function findFrames(input: Uint8Array): Frame[] {
  const reader = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  const frames: Frame[] = [];
  let offset = 0;
  do {
    const frame = readFrame(reader, offset);
    frames.push(frame);
    offset = frame.end;
  } while (offset < reader.byteLength);
  return frames;
}

function readFrame(input: Buffer, start: number): Frame {
  const magic = readUint(input, start, 4);
  if (magic >>> 4 === skippableMagic) {
    const end = start + 8 + readUint(input, start + 4, 4);
    if (end > input.byteLength) throw cutOff();
    return { start, end, boundBytes: 0, skippable: true };
  }
  if (magic !== frameMagic) throw new RepositoryError('corrupt', 'compressed data is not zstd');
  const header = readHeader(input, start + 4);
  let offset = header.end;
  let blockBound = 0;
  for (let last = false; !last;) {
    const block = readUint(input, offset, 3);
    const size = block >>> 3;
    const type = (block >>> 1) & 3;
    last = (block & 1) === 1;
    // Types: 0 raw, 1 one byte repeated, 2 compressed, 3 reserved.
    if (type === 3) throw new RepositoryError('corrupt', 'compressed data has a block of an unknown type');
    blockBound += type === 2 ? maxBlockBytes : size;
    offset += 3 + (type === 1 ? 1 : size);
  }
  if (header.checksum) offset += 4;
  if (offset > input.byteLength) throw cutOff();
  return { start, end: offset, boundBytes: Math.min(blockBound, header.contentBytes), skippable: false };
}

interface FrameHeader {
  readonly end: number;
  /** Infinity when the header does not tell. */
  readonly contentBytes: number;
  readonly checksum: boolean;
}

function readHeader(input: Buffer, start: number): FrameHeader {
  const descriptor = readUint(input, start, 1);
  const singleSegment = (descriptor & 0x20) !== 0;
  const windowBytes = singleSegment ? 0 : 1;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0;
  const sizeStart = start + 1 + windowBytes + dictionaryBytes;
  return {
    end: sizeStart + sizeBytes,
    contentBytes: readContentSize(input, sizeStart, sizeBytes),
    checksum: (descriptor & 4) !== 0,
  };
}

function readContentSize(input: Buffer, start: number, sizeBytes: number): number {
  if (sizeBytes === 0) return Infinity;
  // The two-byte form starts counting at 256.
  if (sizeBytes === 2) return readUint(input, start, 2) + 256;
  if (sizeBytes < 8) return readUint(input, start, sizeBytes);
  return readUint(input, start, 4) + readUint(input, start + 4, 4) * 2 ** 32;
}

function readUint(input: Buffer, offset: number, length: number): number {
  if (offset + length > input.byteLength) throw cutOff();
  return input.readUIntLE(offset, length);
}

function cutOff(): RepositoryError {
  return new RepositoryError('corrupt', 'compressed data is cut off');
}
