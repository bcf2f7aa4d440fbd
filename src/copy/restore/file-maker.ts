import { packError } from '../../base/error-transport.ts';
import { FileSystemError, RepositoryError } from '../../base/errors.ts';
import { close, createFileAt, removeAt, statFd, truncate, writeAt } from '../../base/file-system.ts';
import type { BlobIndex } from '../../repository/blob-index.ts';
import type { BlobOpener } from '../../repository/blob-opener.ts';
import { missingBlob } from '../../repository/blob-reader.ts';
import { writeWithHoles } from '../pipeline/sparse-writing.ts';
import type { FilesToMake, FileToMake, MadeFile } from '../pipeline/whole-file.ts';
import { isZero } from '../pipeline/zero-bytes.ts';
import { applyMetadata } from './metadata.ts';
import { nameToMake, putInPlace } from './replacement.ts';

/** Only the owner may read a file until its own mode is set. */
export const creationMode = 0o600;

interface NewFile {
  readonly fd: number;
  /** The name that it has until it is complete. */
  readonly name: Buffer;
}

/** Makes small files, each from its name to its metadata, in a worker. */
export class FileMaker {
  readonly #index: BlobIndex;
  readonly #opener: BlobOpener;
  /** The blob that was opened last: files of the same contents stand next to each other. */
  #openRow = -1;
  #plaintext: Buffer = Buffer.alloc(0);

  constructor(index: BlobIndex, opener: BlobOpener) {
    this.#index = index;
    this.#opener = opener;
  }

  /**
   * Returns those files that there is something to be told of. What fails belongs to its file; on a full target
   * FileSystemError `no-space` is thrown, which ends the restore.
   */
  make(request: FilesToMake): MadeFile[] {
    this.#openRow = -1;
    const told: MadeFile[] = [];
    for (const [place, file] of request.files.entries()) {
      try {
        const { faults, inode } = this.#makeFile(request, file);
        if (faults.length > 0 || inode !== undefined) told.push({ place, faults, inode });
      } catch (error) {
        if (!(error instanceof FileSystemError || error instanceof RepositoryError)) throw error;
        if (error.code === 'no-space') throw error;
        told.push({ place, faults: [], error: packError(error) });
      }
    }
    return told;
  }

  #makeFile(request: FilesToMake, file: FileToMake): Pick<MadeFile, 'faults' | 'inode'> {
    const { directoryFd } = file;
    const name = Buffer.from(file.name, 'latin1');
    // Opened before the file is made: a damaged blob then leaves no trace in the target.
    const first = file.rows[0];
    if (first !== undefined) this.#open(request, first);
    const made = createFile(directoryFd, name, file.replaces);
    let result: Pick<MadeFile, 'faults' | 'inode'>;
    try {
      result = this.#fill(request, file, made.fd);
    } catch (error) {
      removeAt(directoryFd, made.name);
      throw error;
    }
    putInPlace(directoryFd, made.name, name, request.mayDelete);
    return result;
  }

  /** Guaranteed, also when it throws: the file is closed. */
  #fill(request: FilesToMake, file: FileToMake, fd: number): Pick<MadeFile, 'faults' | 'inode'> {
    let isOpen = true;
    try {
      const status = statFd(fd);
      const endBytes = this.#write(request, file, fd);
      if (endBytes < file.sizeBytes) truncate(fd, file.sizeBytes);
      const faults = applyMetadata(fd, file.metadata, status);
      isOpen = false;
      close(fd);
      return { faults, inode: file.hasMoreNames ? status.inode : undefined };
    } finally {
      if (isOpen) close(fd);
    }
  }

  /** Returns where the last byte that was written ends. */
  #write(request: FilesToMake, file: FileToMake, fd: number): number {
    let position = 0;
    let endBytes = 0;
    for (const row of file.rows) {
      const plaintext = this.#open(request, row);
      const isHole = request.sparse && isZero(plaintext, 0, plaintext.length);
      if (!isHole && request.sparse) {
        endBytes = position + writeWithHoles({ fd, position, isFresh: true }, plaintext);
      } else if (!isHole) {
        writeAt(fd, plaintext, position);
        endBytes = position + plaintext.length;
      }
      position += plaintext.length;
    }
    return endBytes;
  }

  #open(request: FilesToMake, row: number): Buffer {
    if (row === this.#openRow) return this.#plaintext;
    // Before the attempt: when it fails, the memory holds neither the old blob nor the new one.
    this.#openRow = -1;
    const location = this.#index.locationAt(row);
    const id = this.#index.idAt(row).toString('hex');
    if (location === undefined) throw missingBlob('data', id);
    const { length, uncompressedLength } = location;
    const offset = location.offset - request.start;
    const sealed = request.bytes.subarray(offset, offset + length);
    this.#plaintext = this.#opener.open(sealed, { id, uncompressedLength }, request.packId);
    this.#openRow = row;
    return this.#plaintext;
  }
}

/** Under its own name where nothing stands, else under a temporary one. */
function createFile(directoryFd: number, name: Buffer, replaces: boolean): NewFile {
  if (!replaces) {
    try {
      return { fd: createFileAt(directoryFd, name, creationMode), name };
    } catch (error) {
      if (!(error instanceof FileSystemError) || error.code !== 'already-exists') throw error;
    }
  }
  const made = nameToMake(directoryFd, name);
  return { fd: createFileAt(directoryFd, made, creationMode), name: made };
}
