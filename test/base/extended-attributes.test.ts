import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { FileSystemError } from '../../src/base/errors.ts';
import {
  close,
  listExtendedAttributes,
  makeNodeAt,
  openFileForUpdateAt,
  openPathAt,
  openRoot,
  removeExtendedAttribute,
  setExtendedAttribute,
  statFd,
} from '../../src/base/file-system.ts';
import { openFolder } from '../support/open-folder.ts';
import { rootTest, skipLoudly } from '../support/root-test.ts';

const name = Buffer.from('entry');

/** [name, value] pairs that the kernel lists, less what a security module adds by itself. */
function listed(fd: number): [string, string][] {
  return listExtendedAttributes(fd)
    .filter((attribute) => attribute.name.toString() !== 'security.selinux')
    .map((attribute) => [attribute.name.toString('latin1'), attribute.value.toString('hex')]);
}

/** A file open for writing; undefined, with the test skipped, where the file system takes no attributes. */
function attributeFile(t: TestContext): number | undefined {
  const { fd, path } = openFolder(t);
  writeFileSync(`${path}/entry`, '');
  const file = openFileForUpdateAt(fd, name);
  t.after(() => close(file));
  try {
    setExtendedAttribute(file, 'user.probe', Buffer.from('x'));
  } catch (error) {
    if (!(error instanceof FileSystemError) || error.code !== 'unsupported') throw error;
    skipLoudly(t, 'the file system of the temporary folder takes no extended attributes');
    return undefined;
  }
  removeExtendedAttribute(file, 'user.probe');
  return file;
}

/**
 * A value of system.posix_acl_access: u32 version 2, then entries of u16 tag, u16 permissions, u32 id, all
 * little-endian.
 */
function aclValue(entries: readonly (readonly [tag: number, permissions: number, id: number])[]): Buffer {
  const value = Buffer.alloc(4 + entries.length * 8);
  value.writeUInt32LE(2, 0);
  entries.forEach(([tag, permissions, id], index) => {
    value.writeUInt16LE(tag, 4 + index * 8);
    value.writeUInt16LE(permissions, 6 + index * 8);
    value.writeUInt32LE(id, 8 + index * 8);
  });
  return value;
}

describe('extended attributes', () => {
  it('of a file without any are an empty list', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/entry`, '');
    const file = openPathAt(fd, name);
    assert.deepEqual(listed(file), []);
    close(file);
  });

  it('of a file system without any are an empty list, and cannot be set', (t) => {
    const proc = openRoot('/proc/self');
    t.after(() => close(proc));
    assert.deepEqual(listed(proc), []);
    assert.throws(() => setExtendedAttribute(proc, 'user.a', Buffer.from('x')), FileSystemError);
  });

  it('keep names and values of any bytes, empty ones included', (t) => {
    const file = attributeFile(t);
    if (file === undefined) return;
    const odd = Buffer.concat([Buffer.from('user.'), Buffer.from([0xff, 0x0a])]);
    setExtendedAttribute(file, 'user.empty', new Uint8Array(0));
    setExtendedAttribute(file, 'user.bytes', Buffer.from([0, 255, 0]));
    setExtendedAttribute(file, odd, Buffer.alloc(2000, 7));
    assert.deepEqual(
      new Map(listed(file)),
      new Map([
        ['user.empty', ''],
        ['user.bytes', '00ff00'],
        [odd.toString('latin1'), '07'.repeat(2000)],
      ]),
    );
    setExtendedAttribute(file, 'user.empty', Buffer.from('x'));
    assert.equal(new Map(listed(file)).get('user.empty'), '78');
    removeExtendedAttribute(file, odd);
    assert.equal(listed(file).length, 2);
    assert.throws(() => removeExtendedAttribute(file, odd), { code: 'not-found', errno: 'ENODATA' });
  });

  it('are read and written through O_PATH descriptors too', (t) => {
    if (attributeFile(t) === undefined) return;
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/entry`, '');
    const held = openPathAt(fd, name);
    t.after(() => close(held));
    setExtendedAttribute(held, 'user.a', Buffer.from('1'));
    assert.deepEqual(listed(held), [['user.a', '31']]);
    removeExtendedAttribute(held, 'user.a');
    assert.deepEqual(listed(held), []);
  });

  it('hold ACLs, which the kernel turns into group bits', (t) => {
    const file = attributeFile(t);
    if (file === undefined) return;
    const none = 0xffffffff;
    const acl = aclValue([
      [0x01, 6, none],
      [0x02, 4, 1234],
      [0x04, 4, none],
      [0x10, 6, none],
      [0x20, 0, none],
    ]);
    try {
      setExtendedAttribute(file, 'system.posix_acl_access', acl);
    } catch (error) {
      if (!(error instanceof FileSystemError) || error.code !== 'unsupported') throw error;
      return skipLoudly(t, 'the file system of the temporary folder takes no ACLs');
    }
    assert.deepEqual(listed(file), [['system.posix_acl_access', acl.toString('hex')]]);
    assert.equal(statFd(file).mode, 0o660);
  });

  it('that a file cannot take are refused by cause', (t) => {
    const { fd } = openFolder(t);
    makeNodeAt(fd, name, 'fifo', 0o600, 0n);
    const fifo = openPathAt(fd, name);
    t.after(() => close(fifo));
    assert.deepEqual(listed(fifo), []);
    assert.throws(() => setExtendedAttribute(fifo, 'user.a', Buffer.from('x')), {
      code: 'permission-denied',
      errno: 'EPERM',
    });
    assert.throws(() => setExtendedAttribute(fifo, 'user.a\0b', Buffer.from('x')), { code: 'unsafe-path' });
  });

  rootTest('of a symbolic link and a FIFO are their own (trusted.*, security.*)', (t) => {
    const { fd, path } = openFolder(t);
    writeFileSync(`${path}/target`, '');
    symlinkSync('target', `${path}/link`);
    makeNodeAt(fd, Buffer.from('fifo'), 'fifo', 0o600, 0n);
    for (const entry of ['link', 'fifo']) {
      const held = openPathAt(fd, Buffer.from(entry));
      t.after(() => close(held));
      try {
        setExtendedAttribute(held, 'trusted.tranship', Buffer.from('t'));
      } catch (error) {
        if (!(error instanceof FileSystemError)) throw error;
        return skipLoudly(t, `trusted.* cannot be set here: ${error.message}`);
      }
      setExtendedAttribute(held, 'security.tranship', Buffer.from('s'));
      assert.deepEqual(
        new Map(listed(held)),
        new Map([
          ['trusted.tranship', '74'],
          ['security.tranship', '73'],
        ]),
      );
      removeExtendedAttribute(held, 'trusted.tranship');
    }
    const target = openPathAt(fd, Buffer.from('target'));
    assert.deepEqual(listed(target), []);
    close(target);
  });

  rootTest('keep file capabilities', (t) => {
    const file = attributeFile(t);
    if (file === undefined) return;
    // struct vfs_cap_data of revision 2: cap_net_bind_service permitted and effective.
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
    setExtendedAttribute(file, 'security.capability', capability);
    assert.deepEqual(listed(file), [['security.capability', capability.toString('hex')]]);
  });
});
