import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  advise,
  close,
  createFileAt,
  makeNodeAt,
  openFileAt,
  openFileForUpdateAt,
  openPathAt,
  openRoot,
  readAt,
  statFd,
  synchronise,
  synchroniseFileSystem,
  truncate,
  writeAt,
} from '../../src/base/file-system.ts';
import { openFolder } from '../support/open-folder.ts';
import { asNobody } from '../support/root-test.ts';

const file = Buffer.from('file');

describe('openFileAt', () => {
  it('does not block on a FIFO without a writer, and fstat tells the type', (t) => {
    const { fd } = openFolder(t);
    makeNodeAt(fd, Buffer.from('fifo'), 'fifo', 0o600, 0n);
    for (const open of [openFileAt, openFileForUpdateAt]) {
      const fifo = open(fd, Buffer.from('fifo'));
      assert.equal(statFd(fifo).type, 'fifo');
      close(fifo);
    }
  });

  it('refuses a symbolic link', (t) => {
    const { fd, path } = openFolder(t);
    symlinkSync('/etc/passwd', `${path}/link`);
    for (const open of [openFileAt, openFileForUpdateAt]) {
      assert.throws(() => open(fd, Buffer.from('link')), { code: 'unsafe-path', errno: 'ELOOP' });
    }
  });

  it('refuses a socket without blocking', (t) => {
    const { fd } = openFolder(t);
    makeNodeAt(fd, Buffer.from('socket'), 'socket', 0o600, 0n);
    assert.throws(() => openFileAt(fd, Buffer.from('socket')), { errno: 'ENXIO' });
  });

  it('leaves the access time of an own file alone', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/file`, 'x');
    utimesSync(`${path}/file`, 1, 1);
    const opened = openFileAt(fd, file);
    assert.equal(readAt(opened, Buffer.alloc(1), 0), 1);
    close(opened);
    assert.equal(statSync(`${path}/file`).atimeMs, 1000);
  });

  it('reads a file of another owner, for which O_NOATIME is refused', () => {
    const etc = openRoot('/etc');
    const buffer = Buffer.alloc(1 << 20);
    const opened = asNobody(() => openFileAt(etc, Buffer.from('passwd')));
    const length = readAt(opened, buffer, 0);
    assert.deepEqual(buffer.subarray(0, length), readFileSync('/etc/passwd'));
    close(opened);
    close(etc);
  });

  it('says permission-denied for an unreadable file', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/file`, 'x', { mode: 0 });
    assert.throws(() => asNobody(() => openFileAt(fd, file)), { code: 'permission-denied', errno: 'EACCES' });
  });
});

describe('createFileAt', () => {
  it('never opens what is there, not even through a dangling link', (t) => {
    const { fd, path } = openFolder(t);
    symlinkSync(`${path}/elsewhere`, `${path}/link`);
    close(createFileAt(fd, file, 0o600));
    for (const name of [file, Buffer.from('link')]) {
      assert.throws(() => createFileAt(fd, name, 0o600), { code: 'already-exists', errno: 'EEXIST' });
    }
  });

  it('says not-found, conflict and invalid-argument by cause', (t) => {
    const { fd, path } = openFolder(t);
    mkdirSync(`${path}/directory`);
    assert.throws(() => openFileForUpdateAt(fd, file), { code: 'not-found' });
    assert.throws(() => openFileForUpdateAt(fd, Buffer.from('directory')), {
      code: 'conflict',
      errno: 'EISDIR',
    });
    assert.throws(() => createFileAt(fd, Buffer.alloc(256, 'x'), 0o600), { errno: 'ENAMETOOLONG' });
  });
});

describe('readAt and writeAt', () => {
  it('work on views, beyond 4 GiB, and stop at the end', (t) => {
    const { fd } = openFolder(t);
    const opened = createFileAt(fd, file, 0o600);
    t.after(() => close(opened));
    const position = 2 ** 40 + 3;
    const source = Buffer.from('..contents..');
    writeAt(opened, source.subarray(2, 10), position);
    assert.equal(statFd(opened).sizeBytes, position + 8);
    const target = Buffer.alloc(20, '-');
    assert.equal(readAt(opened, target.subarray(2, 18), position), 8);
    assert.equal(target.toString(), '--contents----------');
    assert.equal(readAt(opened, target, position + 8), 0);
    assert.equal(readAt(opened, new Uint8Array(0), 0), 0);
    writeAt(opened, new Uint8Array(0), 0);
  });

  it('take shared memory', (t) => {
    const { fd } = openFolder(t);
    const opened = createFileAt(fd, file, 0o600);
    t.after(() => close(opened));
    const shared = new Uint8Array(new SharedArrayBuffer(32), 5, 3);
    shared.set([1, 2, 3]);
    writeAt(opened, shared, 0);
    shared.fill(0);
    assert.equal(readAt(opened, shared, 0), 3);
    assert.deepEqual([...shared], [1, 2, 3]);
  });

  it('say no-space when the device is full', () => {
    const dev = openRoot('/dev');
    const full = openFileForUpdateAt(dev, Buffer.from('full'));
    assert.throws(() => writeAt(full, Buffer.from('x'), 0), { code: 'no-space', errno: 'ENOSPC' });
    close(full);
    close(dev);
  });

  it('refuse a descriptor that holds no open file', (t) => {
    const { fd } = openFolder(t);
    close(createFileAt(fd, file, 0o600));
    const path = openPathAt(fd, file);
    assert.throws(() => readAt(path, Buffer.alloc(1), 0), { errno: 'EBADF' });
    close(path);
    assert.throws(() => close(path), { errno: 'EBADF' });
  });
});

describe('truncate, synchronise, advise', () => {
  it('set the size both ways and do not fail on an ordinary file', (t) => {
    const { fd } = openFolder(t);
    const opened = createFileAt(fd, file, 0o600);
    t.after(() => close(opened));
    truncate(opened, 2 ** 41);
    assert.equal(statFd(opened).sizeBytes, 2 ** 41);
    truncate(opened, 10);
    assert.equal(statFd(opened).sizeBytes, 10);
    synchronise(opened);
    synchronise(fd);
    synchroniseFileSystem(fd);
    for (const advice of ['sequential', 'will-need', 'dont-need'] as const) advise(opened, 0, 0, advice);
  });
});

it('createFileAt gives the permissions less the umask', (t) => {
  const { fd } = openFolder(t);
  const before = process.umask(0o027);
  t.after(() => process.umask(before));
  const opened = createFileAt(fd, file, 0o666);
  assert.equal(statFd(opened).mode, 0o640);
  close(opened);
});
