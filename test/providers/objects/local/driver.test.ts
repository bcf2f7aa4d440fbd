import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { CancelledError, StoreError } from '../../../../src/base/errors.ts';
import type { ObjectBody } from '../../../../src/providers/objects/driver.ts';
import { LocalDriver } from '../../../../src/providers/objects/local/driver.ts';
import { collect } from '../../../../src/providers/objects/object-body.ts';

let root = '';
let driver = new LocalDriver('.');
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tranship-local-'));
  driver = new LocalDriver(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('objects are read-only files of their owner, folders are private', async () => {
  await driver.put('data/ab/object', Buffer.from('bytes'), {});
  assert.equal((await stat(join(root, 'data/ab/object'))).mode & 0o777, 0o400);
  assert.equal((await stat(join(root, 'data/ab'))).mode & 0o777, 0o700);
  assert.equal((await stat(join(root, 'data'))).mode & 0o777, 0o700);
  await driver.put('data/ab/object', Buffer.from('new'), {});
  assert.equal((await collect(driver.get('data/ab/object', {}))).toString(), 'new');
});

test('no put leaves a temporary file', async () => {
  await driver.put('a', Buffer.alloc(100), {});
  await driver.put('a', Buffer.alloc(100), { mode: 'create' }).catch(() => {});
  await driver.put('b', Buffer.alloc(100), { mode: 'create' });
  assert.deepEqual(await allNames(root), ['a', 'b']);
});

test('a body that cannot be written leaves no file', async () => {
  const broken: ObjectBody = [Buffer.alloc(10), new BrokenPiece(10)];
  await assert.rejects(driver.put('folder/a', broken, {}));
  assert.deepEqual(await allNames(root), ['folder']);
});

test('a put that is cancelled before it is published leaves no file and keeps the old object', async () => {
  await driver.put('a', Buffer.from('old'), {});
  const controller = new AbortController();
  // The signal is heard between system calls of 64 MiB; this body needs two.
  const piece = Buffer.alloc(33 * 1024 * 1024);
  const putting = driver.put('a', [piece, piece], { signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(putting, CancelledError);
  assert.deepEqual(await allNames(root), ['a']);
  assert.equal((await collect(driver.get('a', {}))).toString(), 'old');
});

test('a body of more pieces than one system call takes is written whole', async () => {
  const pieces = Array.from({ length: 5000 }, (_, index) => Buffer.from([index & 255, index >> 8]));
  await driver.put('a', pieces, {});
  assert.deepEqual(await collect(driver.get('a', {})), Buffer.concat(pieces));
});

test('a listing skips what is no object', async () => {
  await driver.put('data/object', Buffer.from('x'), {});
  await mkdir(join(root, 'data/empty'));
  await writeFile(join(root, 'data/object-tmp-0123456789abcdef'), 'of tranship');
  await writeFile(join(root, 'data/other-tmp-387654321'), 'of restic');
  await writeFile(join(root, 'data/not a key'), '');
  await writeFile(Buffer.concat([Buffer.from(join(root, 'data/')), Buffer.of(0xff, 0xfe)]), '');
  await symlink('object', join(root, 'data/link'));
  await symlink('.', join(root, 'data/loop'));
  execFileSync('mkfifo', [join(root, 'data/fifo')]);
  assert.deepEqual(await keysOf(''), ['data/object']);
  assert.deepEqual(await keysOf('data/'), ['data/object']);
});

test('what is no regular file is not found, and never waited for', async () => {
  await driver.put('data/object', Buffer.from('x'), {});
  await symlink('object', join(root, 'data/link'));
  execFileSync('mkfifo', [join(root, 'data/fifo')]);
  for (const key of ['data', 'data/link', 'data/fifo']) {
    await assert.rejects(collect(driver.get(key, {})), hasCode('not-found'), key);
    await assert.rejects(driver.head(key, {}), hasCode('not-found'), key);
  }
});

test('a folder of the store may be a link to another disk', async () => {
  const other = await mkdtemp(join(tmpdir(), 'tranship-other-'));
  try {
    await symlink(other, join(root, 'data'));
    await driver.put('data/ab/object', Buffer.from('x'), {});
    assert.deepEqual(await keysOf('data/'), ['data/ab/object']);
    assert.equal((await collect(driver.get('data/ab/object', {}))).toString(), 'x');
  } finally {
    await rm(other, { recursive: true });
  }
});

test('an object below the key of another is refused in words', async () => {
  await driver.put('a', Buffer.of(1), {});
  await assert.rejects(driver.put('a/b', Buffer.of(1), {}), hasCode('unsupported'));
  await driver.put('c/d', Buffer.of(1), {});
  await assert.rejects(driver.put('c', Buffer.of(1), {}), hasCode('unsupported'));
  assert.deepEqual(await allNames(root), ['a', 'c', 'c/d']);
});

test('a folder that is removed under a running driver is made again', async () => {
  await driver.put('data/ab/one', Buffer.of(1), {});
  await rm(join(root, 'data'), { recursive: true });
  await driver.put('data/ab/two', Buffer.of(1), {});
  assert.deepEqual(await keysOf(''), ['data/ab/two']);
});

test('many puts at once into new folders all arrive', async () => {
  const keys = Array.from(
    { length: 120 },
    (_, index) => `data/${String(index % 16).padStart(2, '0')}/${index}`,
  );
  await Promise.all(keys.map((key) => driver.put(key, Buffer.from(key), { mode: 'create' })));
  assert.deepEqual(await keysOf('data/'), [...keys].sort());
});

test('a full disk is no-space, leaves no file and keeps what was stored', async (context) => {
  const disk = join(root, 'disk');
  await mkdir(disk);
  if (!mountTmpfs(disk, '1m')) return context.skip('SKIPPED: needs root and the right to mount a tmpfs');
  try {
    const full = new LocalDriver(disk);
    await full.put('first', Buffer.alloc(300_000, 1), {});
    await assert.rejects(full.put('second', Buffer.alloc(2_000_000), {}), hasCode('no-space'));
    await assert.rejects(full.put('first', Buffer.alloc(2_000_000), {}), hasCode('no-space'));
    assert.deepEqual(await allNames(disk), ['first']);
    const upload = await full.createMultipart('large', {});
    await upload.putPart(1, Buffer.alloc(300_000));
    await upload.putPart(2, Buffer.alloc(150_000));
    await assert.rejects(upload.complete(), hasCode('no-space'));
    await upload.abort();
    assert.deepEqual(await allNames(disk), ['first']);
    assert.deepEqual(await collect(full.get('first', {})), Buffer.alloc(300_000, 1));
    await full.put('third', Buffer.alloc(300_000), {});
  } finally {
    execFileSync('umount', [disk]);
  }
});

test('a read-only file system is permission-denied', async (context) => {
  const disk = join(root, 'disk');
  await mkdir(disk);
  if (!mountTmpfs(disk, '1m')) return context.skip('SKIPPED: needs root and the right to mount a tmpfs');
  try {
    await new LocalDriver(disk).put('a', Buffer.of(1), {});
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    await assert.rejects(new LocalDriver(disk).put('b', Buffer.of(1), {}), hasCode('permission-denied'));
    await assert.rejects(new LocalDriver(disk).delete('a', {}), hasCode('permission-denied'));
    assert.equal((await collect(new LocalDriver(disk).get('a', {}))).byteLength, 1);
  } finally {
    execFileSync('umount', [disk]);
  }
});

test('what the user may not touch is permission-denied', async (context) => {
  await driver.put('open/a', Buffer.of(1), {});
  await driver.put('closed/a', Buffer.of(1), {});
  await chmod(root, 0o755);
  await chmod(join(root, 'open'), 0o555);
  await chmod(join(root, 'closed'), 0o000);
  const becomeSelf = becomeUnprivileged();
  if (becomeSelf === undefined) return context.skip('SKIPPED: this system cannot change the effective user');
  try {
    await assert.rejects(driver.put('open/b', Buffer.of(1), {}), hasCode('permission-denied'));
    await assert.rejects(driver.put('new/b', Buffer.of(1), {}), hasCode('permission-denied'));
    await assert.rejects(driver.delete('open/a', {}), hasCode('permission-denied'));
    await assert.rejects(collect(driver.get('closed/a', {})), hasCode('permission-denied'));
    await assert.rejects(driver.head('closed/a', {}), hasCode('permission-denied'));
    await assert.rejects(keysOf('closed/'), hasCode('permission-denied'));
    await assert.rejects(
      keysOf(''),
      hasCode('permission-denied'),
      'a listing must not omit what it cannot see',
    );
  } finally {
    becomeSelf();
    await chmod(join(root, 'closed'), 0o700);
  }
});

test('a name that the file system cannot hold is an argument error', async () => {
  await assert.rejects(driver.put('n'.repeat(256), Buffer.of(1), {}), hasCode('invalid-argument'));
});

/** A piece whose bytes cannot be handed to a system call. */
class BrokenPiece extends Uint8Array {
  override subarray(): Uint8Array<ArrayBuffer> {
    throw new Error('the piece broke');
  }
}

async function keysOf(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of driver.list(prefix, {})) keys.push(key);
  return keys;
}

async function allNames(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && error.code === code;
}

function mountTmpfs(folder: string, size: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tranship-test', folder], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

/** Root is denied nothing, so it steps down for a while. Returns the way back; undefined where neither is possible. */
function becomeUnprivileged(): (() => void) | undefined {
  const { geteuid, seteuid } = process;
  if (geteuid === undefined || seteuid === undefined) return undefined;
  const self = geteuid();
  if (self !== 0) return () => {};
  seteuid(65534);
  return () => seteuid(self);
}
