import assert from 'node:assert/strict';
import { closeSync, constants, openSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { openNodeLibrary } from '../../../../src/base/node-library.ts';
import type { NativePointer } from '../../../../src/base/node-library.ts';
import { LocalDriver } from '../../../../src/providers/objects/local/driver.ts';
import { collect } from '../../../../src/providers/objects/object-body.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const MiB = 2 ** 20;
const pageBytes = 4096;
/** f_type of a file system that is the page cache itself (linux/magic.h). */
const TMPFS_MAGIC = 0x01021994;
/** Of linux/mman.h. */
const PROT_READ = 1;
const MAP_SHARED = 1;

type Map = (
  address: null,
  length: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => NativePointer;
type Residency = (address: NativePointer, length: number, pages: Uint8Array) => number;
type Unmap = (address: NativePointer, length: number) => number;

/** Bytes of a file that the page cache holds. */
function cachedBytes(path: string): number {
  const library = openNodeLibrary();
  if (library === undefined) throw new Error('native code cannot be called here');
  const mmap: Map = library.func(
    'void *mmap(void *a, size_t n, int prot, int flags, int fd, int64_t offset)',
  );
  const mincore: Residency = library.func('int mincore(void *address, size_t length, void *pages)');
  const munmap: Unmap = library.func('int munmap(void *address, size_t length)');
  const { size } = statSync(path);
  const fd = openSync(path, constants.O_RDONLY);
  const address = mmap(null, size, PROT_READ, MAP_SHARED, fd, 0);
  const pages = new Uint8Array(Math.ceil(size / pageBytes));
  assert.equal(mincore(address, size, pages), 0);
  munmap(address, size);
  closeSync(fd);
  return pages.filter((page) => (page & 1) === 1).length * pageBytes;
}

it('packs that were written push nothing else out of the page cache, small objects stay in it', async (t) => {
  const root = temporaryFolder(t);
  if (statfsSync(root).type === TMPFS_MAGIC) {
    t.skip('this file system is the page cache');
    return;
  }
  const driver = new LocalDriver(root);
  const pack = Buffer.alloc(8 * MiB, 'pack');
  const snapshot = Buffer.alloc(64 * 1024, 'snapshot');
  await driver.put('data/ab/pack', pack, {});
  await driver.put('snapshots/one', snapshot, {});
  assert.equal(cachedBytes(join(root, 'snapshots/one')), snapshot.length);
  assert.equal(cachedBytes(join(root, 'data/ab/pack')), 0);
  assert.ok((await collect(driver.get('data/ab/pack', {}))).equals(pack));
});
