import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  close,
  makeNodeAt,
  openFileForUpdateAt,
  openPathAt,
  openRoot,
  setOwner,
  setPermissions,
  setTimes,
  setTimesByParts,
  statAt,
  statFd,
} from '../../src/base/file-system.ts';
import { openFolder } from '../support/open-folder.ts';
import { asNobody, rootTest, skipLoudly } from '../support/root-test.ts';

const name = Buffer.from('entry');

describe('setTimes', () => {
  const cases = [
    ['nanoseconds', 1_795_424_868_123_456_789n],
    ['the epoch', 0n],
    ['one nanosecond before the epoch', -1n],
    ['a second and a bit before the epoch', -1_000_000_001n],
    ['1901', -2_147_483_648n * 1_000_000_000n],
    ['2446', 15_032_385_535n * 1_000_000_000n],
  ] as const;
  for (const [title, timeNs] of cases) {
    it(`keeps ${title} on a file, a directory, a FIFO and a symbolic link`, (t) => {
      const { fd, path } = openFolder(t);
      writeFileSync(`${path}/file`, '');
      mkdirSync(`${path}/directory`);
      symlinkSync('file', `${path}/symlink`);
      makeNodeAt(fd, Buffer.from('fifo'), 'fifo', 0o600, 0n);
      for (const entry of ['file', 'directory', 'symlink', 'fifo']) {
        const opened = openPathAt(fd, Buffer.from(entry));
        setTimes(opened, timeNs, timeNs);
        const { atimeNs, mtimeNs } = statFd(opened);
        close(opened);
        assert.deepEqual({ entry, atimeNs, mtimeNs }, { entry, atimeNs: timeNs, mtimeNs: timeNs });
      }
    });
  }

  it('sets both times apart, on a descriptor that is open for writing', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/entry`, '');
    const opened = openFileForUpdateAt(fd, name);
    setTimes(opened, 1n, 2_000_000_003n);
    close(opened);
    const { atimeNs, mtimeNs } = statAt(fd, name);
    assert.deepEqual([atimeNs, mtimeNs], [1n, 2_000_000_003n]);
  });

  it('sets the same by seconds and nanoseconds', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/entry`, '');
    const opened = openPathAt(fd, name);
    for (const seconds of [
      -2_147_483_000, -1, 0, 1, 2_147_483_647, 2_147_483_648, 4_294_967_296, 15_032_385_000,
    ]) {
      setTimesByParts(
        opened,
        { seconds, nanoseconds: 7 },
        { seconds: seconds - 1, nanoseconds: 999_999_999 },
      );
      const { atimeNs, mtimeNs } = statFd(opened);
      assert.equal(mtimeNs, BigInt(seconds) * 1_000_000_000n - 1n);
      assert.equal(atimeNs, BigInt(seconds) * 1_000_000_000n + 7n);
    }
    close(opened);
  });

  it('keeps times of the far future where the file system does', (t) => {
    if (!existsSync('/dev/shm')) return skipLoudly(t, 'needs a tmpfs at /dev/shm');
    const path = mkdtempSync('/dev/shm/tranship-test-');
    t.after(() => rmSync(path, { recursive: true }));
    const root = openRoot(path);
    const farFuture = 9_000_000_000_000_000_001n * 1_000n + 1n;
    setTimes(root, farFuture, -farFuture);
    const { atimeNs, mtimeNs } = statFd(root);
    close(root);
    assert.deepEqual([atimeNs, mtimeNs], [farFuture, -farFuture]);
  });
});

describe('setPermissions', () => {
  for (const mode of [0o4755, 0o2711, 0o1777, 0o7777, 0, 0o644]) {
    it(`sets ${mode.toString(8)} on a file, a directory and a FIFO`, (t) => {
      const { fd, path } = openFolder(t);
      writeFileSync(`${path}/file`, '');
      mkdirSync(`${path}/directory`);
      makeNodeAt(fd, Buffer.from('fifo'), 'fifo', 0o600, 0n);
      for (const entry of ['file', 'directory', 'fifo']) {
        const opened = openPathAt(fd, Buffer.from(entry));
        setPermissions(opened, mode);
        assert.equal(statFd(opened).mode, mode, entry);
        close(opened);
      }
    });
  }

  it('changes the inode it holds, not one that a swapped link names', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/entry`, '', { mode: 0o600 });
    writeFileSync(`${path}/outside`, '', { mode: 0o600 });
    const opened = openPathAt(fd, name);
    renameSync(`${path}/entry`, `${path}/moved`);
    symlinkSync('outside', `${path}/entry`);
    setPermissions(opened, 0o640);
    setTimes(opened, 5n, 6n);
    close(opened);
    assert.equal(statAt(fd, Buffer.from('moved')).mode, 0o640);
    assert.equal(statAt(fd, Buffer.from('moved')).mtimeNs, 6n);
    assert.equal(statAt(fd, Buffer.from('outside')).mode, 0o600);
  });

  it('leaves the target of a symbolic link alone', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/target`, '', { mode: 0o600 });
    symlinkSync('target', `${path}/entry`);
    const opened = openPathAt(fd, name);
    t.after(() => close(opened));
    assert.throws(() => setPermissions(opened, 0o666), { code: 'unsupported', errno: 'ENOTSUP' });
    assert.equal(statAt(fd, Buffer.from('target')).mode, 0o600);
  });
});

describe('setOwner', () => {
  rootTest('sets any owner on every type, symbolic links themselves included', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/file`, '');
    symlinkSync('file', `${path}/symlink`);
    makeNodeAt(fd, Buffer.from('fifo'), 'fifo', 0o600, 0n);
    for (const entry of ['symlink', 'fifo', 'file']) {
      const opened = openPathAt(fd, Buffer.from(entry));
      assert.equal(statFd(opened).uid, 0);
      setOwner(opened, 4_294_967_294, 65_537);
      const { uid, gid } = statFd(opened);
      close(opened);
      assert.deepEqual({ entry, uid, gid }, { entry, uid: 4_294_967_294, gid: 65_537 });
    }
  });

  rootTest('takes setuid off, so that it must come before the permissions', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/entry`, '');
    const opened = openFileForUpdateAt(fd, name);
    t.after(() => close(opened));
    setPermissions(opened, 0o4755);
    setOwner(opened, 1000, 1000);
    assert.equal(statFd(opened).mode, 0o755);
    setPermissions(opened, 0o4755);
    assert.deepEqual([statFd(opened).mode, statFd(opened).uid], [0o4755, 1000]);
  });

  it('refuses the value that the kernel takes as "leave it"', (t) => {
    const { fd } = openFolder(t);
    assert.throws(() => setOwner(fd, 0xffffffff, 0), { code: 'invalid-argument' });
    assert.throws(() => setOwner(fd, 0, 0xffffffff), { code: 'invalid-argument' });
  });

  it('says permission-denied where the caller may not', (t) => {
    const { fd } = openFolder(t);
    assert.throws(() => asNobody(() => setOwner(fd, 1, 1)), { code: 'permission-denied', errno: 'EPERM' });
  });
});
