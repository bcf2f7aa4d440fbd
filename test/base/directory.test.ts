import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  close,
  createFileAt,
  makeDirectoryAt,
  makeNodeAt,
  makeSymlinkAt,
  openDirectoryAt,
  openFileAt,
  openRoot,
  readAt,
  readDirectory,
  statAt,
  writeAt,
} from '../../src/base/file-system.ts';
import { openFolder } from '../support/open-folder.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import type { Random } from '../support/seed.ts';

function randomName(random: Random): Buffer {
  for (;;) {
    const name = random.bytes(random.between(1, random.chance(0.2) ? 255 : 12));
    for (let i = 0; i < name.length; i++) {
      if (name[i] === 0 || name[i] === 0x2f) name[i] = random.between(0x80, 0xff);
    }
    if (!name.equals(Buffer.from('.')) && !name.equals(Buffer.from('..'))) return name;
  }
}

describe('readDirectory', () => {
  it('gives back names of any bytes', async (t) => {
    await forEachSeed(t, scaled(10, 500), (seed) => {
      const random = createRandom(seed);
      const { fd } = openFolder(t);
      const names = new Map<string, Buffer>();
      for (let i = 0; i < 50; i++) {
        const name = randomName(random);
        names.set(name.toString('hex'), name);
      }
      for (const name of names.values()) {
        const file = createFileAt(fd, name, 0o600);
        writeAt(file, name, 0);
        close(file);
      }
      const entries = readDirectory(fd);
      assert.deepEqual(entries.map((entry) => entry.name.toString('hex')).sort(), [...names.keys()].sort());
      for (const { name } of entries) assert.deepEqual(contentsOf(fd, name), name);
    });
  });

  it('hints at types, and can be repeated on one descriptor', (t) => {
    const { fd } = openFolder(t);
    makeDirectoryAt(fd, Buffer.from('directory'), 0o700);
    makeSymlinkAt(Buffer.from('target'), fd, Buffer.from('symlink'));
    makeNodeAt(fd, Buffer.from('fifo'), 'fifo', 0o600, 0n);
    makeNodeAt(fd, Buffer.from('socket'), 'socket', 0o600, 0n);
    close(createFileAt(fd, Buffer.from('file'), 0o600));
    for (let round = 0; round < 2; round++) {
      const entries = readDirectory(fd);
      assert.equal(entries.length, 5);
      for (const { name, type } of entries) assert.ok(type === undefined || type === name.toString());
    }
  });

  it('reads a directory of many entries completely', (t) => {
    const { fd } = openFolder(t);
    const count = scaled(3_000, 1_000_000);
    for (let i = 0; i < count; i++) close(createFileAt(fd, Buffer.from(`entry-${i}`), 0o600));
    const names = new Set(readDirectory(fd).map((entry) => entry.name.toString()));
    assert.equal(names.size, count);
    for (let i = 0; i < count; i++) assert.ok(names.has(`entry-${i}`));
  });

  it('refuses what is no directory', (t) => {
    const { fd } = openFolder(t);
    const file = createFileAt(fd, Buffer.from('file'), 0o600);
    t.after(() => close(file));
    assert.throws(() => readDirectory(file), { code: 'conflict', errno: 'ENOTDIR' });
  });
});

function contentsOf(dirFd: number, name: Uint8Array): Buffer {
  const file = openFileAt(dirFd, name);
  const buffer = Buffer.alloc(4096);
  const length = readAt(file, buffer, 0);
  close(file);
  return buffer.subarray(0, length);
}

describe('openRoot', () => {
  it('follows the links of a path that the user gave, as text or as bytes', (t) => {
    const { path } = openFolder(t);
    mkdirSync(`${path}/real`);
    writeFileSync(`${path}/real/file`, '');
    symlinkSync('real', `${path}/link`);
    for (const root of [openRoot(`${path}/link`), openRoot(Buffer.from(`${path}/link`))]) {
      assert.deepEqual(
        readDirectory(root).map((entry) => entry.name.toString()),
        ['file'],
      );
      close(root);
    }
  });

  it('says which path is missing or no directory', () => {
    assert.throws(() => openRoot('/no/such/folder'), { code: 'not-found', where: '/no/such/folder' });
    assert.throws(() => openRoot('/etc/passwd'), { code: 'conflict', errno: 'ENOTDIR' });
    assert.throws(() => openRoot('/etc\0'), { code: 'unsafe-path' });
  });
});

describe('openDirectoryAt', () => {
  it('refuses a symbolic link to a directory', (t) => {
    const { fd } = openFolder(t);
    makeSymlinkAt(Buffer.from('/etc'), fd, Buffer.from('link'));
    assert.throws(() => openDirectoryAt(fd, Buffer.from('link')), { errno: 'ENOTDIR' });
  });

  it('stays in the directory when a symbolic link is swapped in for it', (t) => {
    const { fd, path } = openFolder(t);
    mkdirSync(`${path}/inside`);
    mkdirSync(`${path}/outside`);
    const inside = openDirectoryAt(fd, Buffer.from('inside'));
    renameSync(`${path}/inside`, `${path}/moved`);
    symlinkSync('outside', `${path}/inside`);

    close(createFileAt(inside, Buffer.from('file'), 0o600));
    makeDirectoryAt(inside, Buffer.from('directory'), 0o700);
    makeSymlinkAt(Buffer.from('x'), inside, Buffer.from('symlink'));
    makeNodeAt(inside, Buffer.from('fifo'), 'fifo', 0o600, 0n);
    assert.equal(readDirectory(inside).length, 4);
    close(inside);
    const outside = openDirectoryAt(fd, Buffer.from('outside'));
    assert.deepEqual(readDirectory(outside), []);
    close(outside);
  });

  it('walks beyond PATH_MAX, where an error still names the entry', (t) => {
    const { fd } = openFolder(t);
    const name = Buffer.alloc(200, 'd');
    const descriptors = [fd];
    for (let depth = 0; depth < 50; depth++) {
      const parent = descriptors.at(-1) ?? fd;
      makeDirectoryAt(parent, name, 0o700);
      descriptors.push(openDirectoryAt(parent, name));
    }
    const deepest = descriptors.at(-1) ?? fd;
    const file = createFileAt(deepest, Buffer.from('file'), 0o600);
    writeAt(file, Buffer.from('deep'), 0);
    close(file);
    assert.equal(contentsOf(deepest, Buffer.from('file')).toString(), 'deep');
    assert.throws(() => statAt(deepest, Buffer.from('missing')), { code: 'not-found', where: /\/missing$/ });
    for (const descriptor of descriptors.slice(1)) close(descriptor);
  });
});
