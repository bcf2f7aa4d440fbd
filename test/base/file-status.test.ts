import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, statSync, symlinkSync, mkdirSync, writeFileSync, linkSync, chmodSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import {
  close,
  makeDeviceId,
  openPathAt,
  openRoot,
  statAt,
  statAtIfPresent,
  statFd,
} from '../../src/base/file-system.ts';
import type { FileStatus } from '../../src/base/file-system.ts';
import { openFolder } from '../support/open-folder.ts';

/** What Node's own lstat says, in our shape. */
function expectedStatus(stats: BigIntStats): Partial<FileStatus> {
  return {
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    inode: stats.ino,
    deviceId: stats.dev,
    links: Number(stats.nlink),
    sizeBytes: Number(stats.size),
    allocatedBytes: Number(stats.blocks) * 512,
    atimeNs: stats.atimeNs,
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    rdev: stats.rdev,
  };
}

function checkAgainstNode(dirFd: number, name: string, path: string, type: string): void {
  const status = statAt(dirFd, Buffer.from(name));
  assert.equal(status.type, type);
  assert.equal(typeof status.mountId, 'bigint');
  const expected = expectedStatus(lstatSync(path, { bigint: true }));
  for (const [key, value] of Object.entries(expected)) assert.equal(Reflect.get(status, key), value, key);
  assert.equal(status.inodeText, String(expected.inode));
  assert.equal(status.deviceText, String(expected.deviceId));
  assert.equal(BigInt(status.mtimeSeconds) * 10n ** 9n + BigInt(status.mtimeNanoseconds), status.mtimeNs);
}

describe('statAt', () => {
  it('tells the same as Node of every type, and does not follow links', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/file`, 'twelve bytes');
    linkSync(`${path}/file`, `${path}/second-name`);
    chmodSync(`${path}/file`, 0o4751);
    mkdirSync(`${path}/directory`);
    symlinkSync('/etc/passwd', `${path}/symlink`);
    execFileSync('mkfifo', [`${path}/fifo`]);
    checkAgainstNode(fd, 'file', `${path}/file`, 'file');
    checkAgainstNode(fd, 'directory', `${path}/directory`, 'directory');
    checkAgainstNode(fd, 'symlink', `${path}/symlink`, 'symlink');
    checkAgainstNode(fd, 'fifo', `${path}/fifo`, 'fifo');
    assert.equal(statAt(fd, Buffer.from('file')).mode, 0o4751);
    assert.equal(statAt(fd, Buffer.from('second-name')).links, 2);
  });

  it('tells the device number of a device', () => {
    const dev = openRoot('/dev');
    checkAgainstNode(dev, 'null', '/dev/null', 'character-device');
    assert.equal(statAt(dev, Buffer.from('null')).rdev, makeDeviceId(1, 3));
    close(dev);
  });

  it('knows a socket', async (t) => {
    const { fd, path } = openFolder(t);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(`${path}/socket`, resolve));
    t.after(() => server.close());
    checkAgainstNode(fd, 'socket', `${path}/socket`, 'socket');
  });

  it('names the whole path of what is missing', (t) => {
    const { fd, path } = openFolder(t);
    assert.throws(() => statAt(fd, Buffer.from('gone\n')), {
      name: 'FileSystemError',
      code: 'not-found',
      errno: 'ENOENT',
      where: `${path}/gone\\x0a`,
    });
    assert.equal(statAtIfPresent(fd, Buffer.from('gone')), undefined);
  });

  it('throws when something else than absence is wrong', (t) => {
    const { path } = openFolder(t);
    writeFileSync(`${path}/file`, '');
    const root = openRoot(path);
    const file = openPathAt(root, Buffer.from('file'));
    assert.throws(() => statAtIfPresent(file, Buffer.from('x')), { errno: 'ENOTDIR' });
    close(file);
    close(root);
  });
});

describe('statFd', () => {
  it('tells of what the descriptor holds, a symbolic link itself included', (t) => {
    const { fd, path } = openFolder(t);
    symlinkSync('/etc/passwd', `${path}/link`);
    const link = openPathAt(fd, Buffer.from('link'));
    t.after(() => close(link));
    assert.equal(statFd(link).type, 'symlink');
    assert.equal(statFd(fd).inode, statSync(path, { bigint: true }).ino);
  });

  it('refuses a descriptor that is not open', () => {
    assert.throws(() => statFd(1 << 20), { errno: 'EBADF' });
  });
});

describe('makeDeviceId', () => {
  // Values of glibc's makedev(3).
  it('encodes as glibc does', () => {
    assert.equal(makeDeviceId(8, 1), 0x801n);
    assert.equal(makeDeviceId(259, 0x12345), 0x12310345n);
    assert.equal(makeDeviceId(0xfff, 0xfffff), 0xffffffffn);
    assert.equal(makeDeviceId(0x12345, 0xabcdef), 0x1200abcd345efn);
    assert.equal(makeDeviceId(0xffffffff, 0xffffffff), 0xffffffffffffffffn);
  });
});
