import { packError } from '../../base/error-transport.ts';
import { FileSystemError } from '../../base/errors.ts';
import { close, openFileAt, statFd } from '../../base/file-system.ts';
import type { FileStatus } from '../../base/file-system.ts';
import type { BlobIndex } from '../../repository/blob-index.ts';
import { applyMetadata } from '../restore/metadata.ts';
import type { ChunkComparer } from './chunk-comparer.ts';
import type { ComparedFile, FileToCompare } from './whole-file.ts';

/** Compares small files with what they should hold, each from its opening to its closing, in a worker. */
export class FileComparer {
  readonly #index: BlobIndex;
  readonly #chunks: ChunkComparer;

  constructor(index: BlobIndex, chunks: ChunkComparer) {
    this.#index = index;
    this.#chunks = chunks;
  }

  /** Leaves out files that are equal and took their metadata. What fails belongs to its file. */
  compare(files: readonly FileToCompare[]): ComparedFile[] {
    const told: ComparedFile[] = [];
    for (const [place, file] of files.entries()) {
      const compared = this.#compareNamed(place, file);
      if (compared.outcome !== 'equal' || compared.faults.length > 0) told.push(compared);
    }
    return told;
  }

  #compareNamed(place: number, file: FileToCompare): ComparedFile {
    let fd: number | undefined;
    try {
      fd = openFileAt(file.directoryFd, Buffer.from(file.name, 'latin1'));
      return this.#compareOpen(place, file, fd);
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      const mayNotRead = fd === undefined && error.errno === 'EACCES';
      return { place, outcome: 'failed', error: packError(error), mayNotRead };
    } finally {
      if (fd !== undefined) close(fd);
    }
  }

  #compareOpen(place: number, file: FileToCompare, fd: number): ComparedFile {
    const status = statFd(fd);
    checkInode(file, status);
    const chunks = file.rows.map((row) => ({
      id: this.#index.idAt(row).toString('hex'),
      lengthBytes: this.#index.plaintextBytesAt(row),
    }));
    const { different } = this.#chunks.compare({ fd, position: 0, chunks });
    if (different.length > 0 || status.sizeBytes !== file.sizeBytes) {
      return { place, outcome: 'different', chunks: different };
    }
    const faults = file.metadata === undefined ? [] : applyMetadata(fd, file.metadata, status);
    return { place, outcome: 'equal', faults };
  }
}

function checkInode({ name, inode: wanted }: FileToCompare, { type, inode }: FileStatus): void {
  if (wanted === undefined || (type === 'file' && inode === wanted)) return;
  const where = Buffer.from(name, 'latin1').toString();
  throw new FileSystemError('conflict', 'the file was replaced meanwhile', { where });
}
