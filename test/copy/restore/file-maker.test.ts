import assert from 'node:assert/strict';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { unpackError } from '../../../src/base/error-transport.ts';
import { FileSystemError, RepositoryError } from '../../../src/base/errors.ts';
import type { FilesToMake, FileToMake, MadeFile } from '../../../src/copy/pipeline/whole-file.ts';
import { FileMaker } from '../../../src/copy/restore/file-maker.ts';
import { BlobOpener } from '../../../src/repository/blob-opener.ts';
import { loadIndex } from '../../../src/repository/loaded-index.ts';
import { sha256 } from '../../repository/small-repository.ts';
import { openFolder } from '../../support/open-folder.ts';
import { files, staged } from '../restore-fixtures.ts';

interface Bench {
  /** The folder that files are made in. */
  readonly path: string;
  readonly fd: number;
  readonly fileToMake: (name: string, more?: Partial<FileToMake>) => FileToMake;
  /** The pack with a flipped bit in the blob of a file. */
  readonly damaged: (name: string) => Uint8Array;
  /** What was told, by the files' names. */
  readonly make: (
    these: readonly FileToMake[],
    more?: Partial<FilesToMake>,
  ) => Promise<Map<string, MadeFile>>;
}

/** A maker on this thread, and a pack with the contents of `one`, `two` and `three`. */
async function bench(t: TestContext): Promise<Bench> {
  const { repository, location } = await staged(t, files('one', 'two', 'three'));
  const index = await loadIndex(repository);
  const opener = new BlobOpener(repository.secrets.masterKey);
  t.after(() => opener.close());
  const packId = index.locate('data', blobOf('one'))?.packId ?? '';
  const bytes = readFileSync(join(location, 'data', packId.slice(0, 2), packId));
  const { path, fd } = openFolder(t);
  const fileToMake = (name: string, more: Partial<FileToMake> = {}): FileToMake => ({
    directoryFd: fd,
    name,
    sizeBytes: `contents of ${name}`.length,
    rows: [index.blobs.rowOf('data', blobOf(name))],
    metadata: {
      type: 'file',
      mode: 0o640,
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
      mtime: '2001-02-03T04:05:06.000000007Z',
      atime: '2001-02-03T04:05:06.000000007Z',
    },
    replaces: false,
    hasMoreNames: false,
    ...more,
  });
  const maker = new FileMaker(index.blobs, opener);
  const make: Bench['make'] = async (these, more = {}) => {
    const request = { packId, bytes, start: 0, files: these, sparse: true, mayDelete: false, ...more };
    const told = maker.make(request);
    return new Map(told.map((made) => [these[made.place]?.name ?? '', made]));
  };
  const damaged = (name: string): Uint8Array => {
    const copy = Uint8Array.from(bytes);
    const position = (index.locate('data', blobOf(name))?.offset ?? 0) + 20;
    copy[position] = (copy[position] ?? 0) ^ 1;
    return copy;
  };
  return { path, fd, fileToMake, damaged, make };
}

function blobOf(name: string): string {
  return sha256(Buffer.from(`contents of ${name}`));
}

function errorOf(made: MadeFile | undefined): Error | undefined {
  return made?.error === undefined ? undefined : unpackError(made.error);
}

function contents(path: string, name: string): string {
  return readFileSync(join(path, name), 'utf8');
}

describe('files that are made in one job', () => {
  it('have their contents, mode and time, and there is nothing to tell', async (t) => {
    const { path, fileToMake, make } = await bench(t);
    const told = await make(['one', 'two', 'three'].map((name) => fileToMake(name)));
    assert.equal(told.size, 0);
    assert.deepEqual(readdirSync(path).toSorted(), ['one', 'three', 'two']);
    for (const name of ['one', 'two', 'three']) assert.equal(contents(path, name), `contents of ${name}`);
    const { mode, mtimeNs } = statSync(join(path, 'one'), { bigint: true });
    assert.deepEqual([mode & 0o7777n, mtimeNs], [0o640n, 981_173_106_000_000_007n]);
  });

  it('replace what has appeared under a name since the plan, and change no other name of it', async (t) => {
    const { path, fileToMake, make } = await bench(t);
    const { path: elsewhere } = openFolder(t);
    writeFileSync(join(elsewhere, 'kept'), 'kept');
    linkSync(join(elsewhere, 'kept'), join(path, 'one'));
    symlinkSync(join(elsewhere, 'kept'), join(path, 'two'));
    const told = await make([fileToMake('one'), fileToMake('two')]);
    assert.equal(told.size, 0);
    assert.deepEqual(readdirSync(path).toSorted(), ['one', 'two']);
    assert.ok(statSync(join(path, 'two')).isFile());
    assert.deepEqual([contents(path, 'one'), contents(path, 'two')], ['contents of one', 'contents of two']);
    assert.equal(contents(elsewhere, 'kept'), 'kept');
  });

  it('but for one whose name a folder has taken are made', async (t) => {
    const { path, fileToMake, make } = await bench(t);
    mkdirSync(join(path, 'two'));
    writeFileSync(join(path, 'two', 'inner'), 'inner');
    const told = await make(['one', 'two', 'three'].map((name) => fileToMake(name)));
    assert.deepEqual([...told.keys()], ['two']);
    const error = errorOf(told.get('two'));
    assert.ok(error instanceof FileSystemError && error.code === 'conflict', String(error));
    assert.deepEqual(readdirSync(path).toSorted(), ['one', 'three', 'two']);
    assert.equal(contents(path, 'two/inner'), 'inner');
  });

  it('but for one of a damaged blob are made, and what that one was to replace is still there', async (t) => {
    const { path, fileToMake, damaged, make } = await bench(t);
    writeFileSync(join(path, 'one'), 'old');
    const [one, two, three] = ['one', 'two', 'three'].map((name) => fileToMake(name));
    assert.ok(one !== undefined && two !== undefined && three !== undefined);
    // The second chunk of the first file, when that is half written, and the only one of another.
    const halfWritten = { ...one, replaces: true, rows: [...one.rows, ...three.rows] };
    const told = await make([halfWritten, three, two], { bytes: damaged('three') });
    assert.deepEqual([...told.keys()], ['one', 'three']);
    assert.ok(errorOf(told.get('one')) instanceof RepositoryError);
    assert.deepEqual(readdirSync(path).toSorted(), ['one', 'two']);
    assert.deepEqual([contents(path, 'one'), contents(path, 'two')], ['old', 'contents of two']);
  });

  it('stand in the folder that was opened, though a link has its name now', async (t) => {
    const { path, fileToMake, make } = await bench(t);
    const { path: elsewhere } = openFolder(t);
    renameSync(path, `${path}-moved`);
    symlinkSync(elsewhere, path);
    t.after(() => renameSync(`${path}-moved`, path));
    const told = await make([fileToMake('one')]);
    assert.equal(told.size, 0);
    assert.deepEqual(readdirSync(elsewhere), []);
    assert.ok(existsSync(join(`${path}-moved`, 'one')));
  });

  it('are told with what the target did not take, and with the inode that was asked for', async (t) => {
    const { path, fileToMake, make } = await bench(t);
    const impossible = { ...fileToMake('one').metadata, uid: 0xffff_ffff };
    const told = await make([
      fileToMake('one', { metadata: impossible }),
      fileToMake('two', { hasMoreNames: true }),
    ]);
    assert.match(told.get('one')?.faults.join('; ') ?? '', /owner/);
    assert.equal(contents(path, 'one'), 'contents of one');
    assert.equal(told.get('two')?.inode, statSync(join(path, 'two'), { bigint: true }).ino);
  });
});
