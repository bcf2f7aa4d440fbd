import { packError } from '../../base/error-transport.ts';
import { FileSystemError } from '../../base/errors.ts';
import { startWriting, writeAt } from '../../base/file-system.ts';
import type { BlobOpener } from '../../repository/blob-opener.ts';
import type { BlobFailure, BlobToWrite, Jobs } from './protocol.ts';
import { writeWithHoles } from './sparse-writing.ts';
import { isZero } from './zero-bytes.ts';

/** From this size on the disk is set to work at once, beside the processors; for less, the call costs more. */
const leastStartedBytes = 512 * 1024;

/** Opens blobs and writes their plaintext to open files, in any order. */
export class BlobWriter {
  readonly #opener: BlobOpener;

  constructor(opener: BlobOpener) {
    this.#opener = opener;
  }

  write(request: Jobs['write-blobs']['request']): Jobs['write-blobs']['response'] {
    const failures: BlobFailure[] = [];
    let writtenBytes = 0;
    for (const blob of request.blobs) {
      try {
        const sealed = request.bytes.subarray(blob.offset, blob.offset + blob.length);
        const plaintext = this.#opener.open(sealed, blob, request.packId);
        writtenBytes += writeTargets(blob, plaintext, request, failures);
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
}

function writeTargets(
  blob: BlobToWrite,
  plaintext: Buffer,
  { sparse, synchronise }: Jobs['write-blobs']['request'],
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
      if (synchronise && plaintext.length >= leastStartedBytes) {
        startWriting(target.fd, target.position, plaintext.length);
      }
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      failures.push({ id: blob.id, error: packError(error), targets: [index] });
    }
  }
  return writtenBytes;
}
