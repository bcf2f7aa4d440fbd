import { packError } from '../../base/error-transport.ts';
import { FileSystemError } from '../../base/errors.ts';
import { punchHole, writeAt } from '../../base/file-system.ts';
import { openBlob } from '../../repository/blob-reader.ts';
import { createCompressor } from '../../repository/compression/open-compressor.ts';
import type { MasterKey } from '../../repository/crypto/cipher.ts';
import { createCipher } from '../../repository/crypto/open-cipher.ts';
import type { BlobFailure, BlobToWrite, ChunkTarget, Jobs } from './protocol.ts';
import { holeBlockBytes, isZero } from './zero-bytes.ts';

/** Opens blobs and writes their plaintext to open files, in any order. */
export class BlobWriter {
  readonly #tools;

  constructor(masterKey: MasterKey) {
    this.#tools = { cipher: createCipher(masterKey), compressor: createCompressor() };
  }

  write(request: Jobs['write-blobs']['request']): Jobs['write-blobs']['response'] {
    const failures: BlobFailure[] = [];
    let writtenBytes = 0;
    for (const blob of request.blobs) {
      try {
        const sealed = request.bytes.subarray(blob.offset, blob.offset + blob.length);
        const plaintext = openBlob(sealed, blob, request.packId, this.#tools);
        writtenBytes += writeTargets(blob, plaintext, request.sparse, failures);
      } catch (error) {
        failures.push({
          id: blob.id,
          error: packError(error),
          targets: blob.targets.map((_, index) => index),
        });
      }
    }
    return { failures, writtenBytes };
  }

  close(): void {
    this.#tools.cipher.close();
    this.#tools.compressor.close();
  }
}

function writeTargets(
  blob: BlobToWrite,
  plaintext: Buffer,
  sparse: boolean,
  failures: BlobFailure[],
): number {
  // A chunk of zeros may have as many targets as a sparse file has room for: looking once is enough for all of them.
  const isHole = sparse && isZero(plaintext, 0, plaintext.length);
  let writtenBytes = 0;
  for (const [index, target] of blob.targets.entries()) {
    try {
      if (isHole && target.isFresh) continue;
      if (sparse) writeWithHoles(target, plaintext);
      else writeAt(target.fd, plaintext, target.position);
      writtenBytes += plaintext.length;
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      failures.push({ id: blob.id, error: packError(error), targets: [index] });
    }
  }
  return writtenBytes;
}

/** Writes all but whole blocks of zeros, which become holes. The file's size is set by the caller. */
function writeWithHoles(target: ChunkTarget, bytes: Buffer): void {
  const write = (start: number, end: number): void => {
    if (start < end) writeAt(target.fd, bytes.subarray(start, end), target.position + start);
  };
  let written = 0;
  let offset = Math.min(bytes.length, (holeBlockBytes - (target.position % holeBlockBytes)) % holeBlockBytes);
  while (offset + holeBlockBytes <= bytes.length) {
    const holeStart = offset;
    while (offset + holeBlockBytes <= bytes.length && isZero(bytes, offset, offset + holeBlockBytes)) {
      offset += holeBlockBytes;
    }
    if (offset === holeStart) {
      offset += holeBlockBytes;
      continue;
    }
    if (!target.isFresh && !punchHole(target.fd, target.position + holeStart, offset - holeStart)) continue;
    write(written, holeStart);
    written = offset;
  }
  write(written, bytes.length);
}
