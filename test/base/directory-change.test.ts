import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  close,
  makeDeviceId,
  makeDirectoryAt,
  makeHardLinkAt,
  makeNodeAt,
  makeSymlinkAt,
  openDirectoryAt,
  openFileAt,
  openPathAt,
  readLinkAt,
  readLinkFd,
  removeAt,
  renameAt,
  statAt,
} from '../../src/base/file-system.ts';
import { openFolder } from '../support/open-folder.ts';
import { rootTest } from '../support/root-test.ts';

const a = Buffer.from('a');
const b = Buffer.from('b');

describe('makeSymlinkAt and readLinkAt', () => {
  const targets = [
    Buffer.from('../../../etc/passwd'),
    Buffer.from([0xff, 0xfe, 0x0a]),
    Buffer.from('/'),
    Buffer.alloc(4095, 'x'),
  ];
  for (const target of targets) {
    it(`keep a target of ${target.length} bytes: ${target.subarray(0, 20).toString('latin1')}`, (t) => {
      const { fd } = openFolder(t);
      makeSymlinkAt(target, fd, a);
      assert.deepEqual(readLinkAt(fd, a), target);
      const link = openPathAt(fd, a);
      assert.deepEqual(readLinkFd(link), target);
      close(link);
    });
  }

  it('refuse a target with a NUL, a taken name, and what is no link', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/a`, '');
    assert.throws(() => makeSymlinkAt(Buffer.from('x\0y'), fd, b), { code: 'unsafe-path' });
    assert.throws(() => makeSymlinkAt(b, fd, a), { code: 'already-exists' });
    assert.throws(() => readLinkAt(fd, a), { errno: 'EINVAL' });
  });
});

describe('makeHardLinkAt', () => {
  it('links the inode behind a descriptor, whatever its name means by now', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/a`, 'mine');
    writeFileSync(`${path}/other`, 'other');
    const held = openPathAt(fd, a);
    const { inode } = statAt(fd, a);
    renameSync(`${path}/a`, `${path}/moved`);
    symlinkSync('other', `${path}/a`);
    makeHardLinkAt(held, fd, b);
    close(held);
    assert.equal(statAt(fd, b).inode, inode);
    assert.equal(statAt(fd, b).links, 2);
  });

  it('takes a descriptor that is open for reading', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/a`, 'mine');
    const held = openFileAt(fd, a);
    makeHardLinkAt(held, fd, b);
    close(held);
    assert.equal(statAt(fd, b).inode, statAt(fd, a).inode);
  });

  it('links a symbolic link itself, not what it points to', (t) => {
    const { fd, path } = openFolder(t);
    symlinkSync('/etc/passwd', `${path}/a`);
    const held = openPathAt(fd, a);
    makeHardLinkAt(held, fd, b);
    close(held);
    assert.equal(readlinkSync(`${path}/b`), '/etc/passwd');
    assert.equal(statAt(fd, b).inode, statAt(fd, a).inode);
  });
});

describe('makeNodeAt', () => {
  it('makes FIFOs and sockets', (t) => {
    const { fd } = openFolder(t);
    makeNodeAt(fd, a, 'fifo', 0o600, 0n);
    makeNodeAt(fd, b, 'socket', 0o600, 0n);
    assert.equal(statAt(fd, a).type, 'fifo');
    assert.equal(statAt(fd, b).type, 'socket');
  });

  rootTest('makes devices with their number', (t) => {
    const { fd } = openFolder(t);
    const number = makeDeviceId(259, 0x12345);
    makeNodeAt(fd, a, 'block-device', 0o640, number);
    makeNodeAt(fd, b, 'character-device', 0o600, makeDeviceId(1, 3));
    assert.deepEqual([statAt(fd, a).type, statAt(fd, a).rdev], ['block-device', number]);
    assert.deepEqual([statAt(fd, b).type, statAt(fd, b).rdev], ['character-device', makeDeviceId(1, 3)]);
  });
});

describe('removeAt', () => {
  it('removes a link and not its target, and a directory only when asked and empty', (t) => {
    const { fd, path } = openFolder(t);
    makeDirectoryAt(fd, a, 0o700);
    writeFileSync(`${path}/a/file`, '');
    symlinkSync('a', `${path}/b`);
    removeAt(fd, b);
    assert.deepEqual(readdirSync(path), ['a']);
    assert.throws(() => removeAt(fd, a), { errno: 'EISDIR' });
    assert.throws(() => removeAt(fd, a, { directory: true }), { code: 'conflict', errno: 'ENOTEMPTY' });
    const directory = openDirectoryAt(fd, a);
    removeAt(directory, Buffer.from('file'));
    close(directory);
    removeAt(fd, a, { directory: true });
    assert.deepEqual(readdirSync(path), []);
    assert.throws(() => removeAt(fd, a), { code: 'not-found' });
  });
});

describe('renameAt', () => {
  it('replaces, or refuses to when asked', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/a`, 'a');
    writeFileSync(`${path}/b`, 'b');
    const { ino } = lstatSync(`${path}/a`, { bigint: true });
    assert.throws(() => renameAt(fd, a, fd, b, { replace: false }), { code: 'already-exists' });
    renameAt(fd, a, fd, b);
    assert.deepEqual(readdirSync(path), ['b']);
    assert.equal(statAt(fd, b).inode, ino);
  });
});

describe('unsafe names', () => {
  const unsafe = { code: 'unsafe-path' };
  for (const name of ['..', '.', '', 'x/y', 'x\0']) {
    it(`are refused everywhere: ${JSON.stringify(name)}`, (t) => {
      const { fd, path } = openFolder(t);
      const bytes = Buffer.from(name);
      writeFileSync(`${path}/a`, '');
      assert.throws(() => makeDirectoryAt(fd, bytes, 0o700), unsafe);
      assert.throws(() => makeSymlinkAt(a, fd, bytes), unsafe);
      assert.throws(() => makeHardLinkAt(fd, fd, bytes), unsafe);
      assert.throws(() => makeNodeAt(fd, bytes, 'fifo', 0o600, 0n), unsafe);
      assert.throws(() => removeAt(fd, bytes), unsafe);
      assert.throws(() => renameAt(fd, a, fd, bytes), unsafe);
      assert.throws(() => renameAt(fd, bytes, fd, a), unsafe);
      assert.throws(() => openDirectoryAt(fd, bytes), unsafe);
      assert.throws(() => openFileAt(fd, bytes), unsafe);
      assert.throws(() => openPathAt(fd, bytes), unsafe);
      assert.throws(() => statAt(fd, bytes), unsafe);
      assert.throws(() => readLinkAt(fd, bytes), unsafe);
    });
  }
});
