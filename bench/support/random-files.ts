import { createCipheriv, createHash } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const mib = 2 ** 20;
const pieceBytes = 4 * mib;
const filesPerFolder = 200;

/** A data set: random bytes, the same in every run, that neither deduplicate nor compress. */
export interface DataSet {
  readonly name: string;
  readonly about: string;
  /** Fills an empty folder and returns the number of bytes. */
  readonly fill: (folder: string) => Promise<number>;
}

export const dataSets: readonly DataSet[] = [
  {
    name: 'one-file',
    about: 'one file of 1 GiB',
    fill: (folder) => equalFiles(folder, 1, 1024 * mib),
  },
  {
    name: 'four-files',
    about: '4 files of 256 MiB',
    fill: (folder) => equalFiles(folder, 4, 256 * mib),
  },
  {
    name: 'small-files',
    about: '20,000 files of 1 to 16 KiB',
    fill: (folder) => smallFiles(folder, 20_000),
  },
];

/** An endless stream of bytes that only the seed decides. */
function randomBytes(seed: string): (sizeBytes: number) => Buffer {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return (sizeBytes) => cipher.update(Buffer.alloc(sizeBytes));
}

async function equalFiles(folder: string, count: number, sizeBytes: number): Promise<number> {
  const next = randomBytes(`${count} x ${sizeBytes}`);
  for (let index = 0; index < count; index++) {
    const file = await open(join(folder, `file-${index}`), 'wx');
    for (let done = 0; done < sizeBytes; done += pieceBytes) await file.write(next(pieceBytes));
    await file.close();
  }
  return count * sizeBytes;
}

async function smallFiles(folder: string, count: number): Promise<number> {
  const next = randomBytes(`${count} small`);
  let totalBytes = 0;
  for (let index = 0; index < count; index++) {
    const directory = join(folder, `folder-${Math.floor(index / filesPerFolder)}`);
    if (index % filesPerFolder === 0) await mkdir(directory);
    const sizeBytes = 1024 + (next(2).readUInt16LE() % (15 * 1024 + 1));
    await writeFile(join(directory, `file-${index}`), next(sizeBytes));
    totalBytes += sizeBytes;
  }
  return totalBytes;
}
