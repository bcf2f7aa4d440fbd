import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import type { RestoreEvent } from '../../src/copy/restore/restore-events.ts';
import { peer } from '../support/peers.ts';
import { Restic } from '../support/restic.ts';
import { rootTest, skipLoudly } from '../support/root-test.ts';
import { createRandom } from '../support/seed.ts';
import { restoreAll, stageAll, stateOf, verifyAll, workplace } from './copying.ts';

const MiB = 2 ** 20;
const imageBytes = 96 * MiB + 4096;
const image = { storeAs: '/disk.img', image: true } as const;
const disk = { snapshot: 'latest:/disk.img', image: true } as const;

/** A sparse image with data at its beginning, its middle and its end. */
function makeImage(path: string, seed: number, sizeBytes = imageBytes): void {
  const random = createRandom(seed);
  writeFileSync(path, '');
  truncateSync(path, sizeBytes);
  const fd = openSync(path, 'r+');
  for (const at of [0, 40 * MiB, sizeBytes - 8192]) writeSync(fd, random.bytes(8192), 0, 8192, at);
  closeSync(fd);
}

function write(path: string, bytes: Uint8Array, at: number): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

function beginningOf(path: string, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  const fd = openSync(path, 'r');
  assert.equal(readSync(fd, bytes, 0, sizeBytes, 0), sizeBytes);
  closeSync(fd);
  return bytes;
}

/** The loop device of a file until the test ends; undefined where this machine has none. */
function loopDevice(t: TestContext, path: string): string | undefined {
  const { status, stdout } = spawnSync('losetup', ['--find', '--show', path], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const device = stdout.trim();
  t.after(() => spawnSync('losetup', ['--detach', device]));
  return device;
}

describe('an image file', () => {
  it('is stored through a link, without its holes, and restored as a sparse file', async (t) => {
    const { folder, repository } = await workplace(t);
    const source = join(folder, 'source.img');
    makeImage(source, 1);
    symlinkSync(source, join(folder, 'link'));
    const staged = await stageAll(repository, join(folder, 'link'), image);
    assert.ok(staged.counts.dataAdded < imageBytes / 2, `${staged.counts.dataAdded} bytes added`);
    assert.equal(staged.counts.bytesProcessed, imageBytes);
    const target = join(folder, 'new', 'target.img');
    await restoreAll(repository, target, disk);
    assert.ok(readFileSync(target).equals(readFileSync(source)));
    assert.ok(statSync(target).blocks * 512 < MiB, 'its holes are holes');
    assert.deepEqual((await verifyAll(repository, target, disk)).differences, []);
    const again = await stageAll(repository, join(folder, 'link'), image);
    assert.equal(again.counts.filesUnmodified, 1, 'as of any file, its times tell that it has not changed');
  });

  it('is brought up to date in place, and made as long as the image', async (t) => {
    const { folder, repository } = await workplace(t);
    const [source, target] = [join(folder, 'source.img'), join(folder, 'target.img')];
    makeImage(source, 2);
    await stageAll(repository, source, image);
    makeImage(target, 2, imageBytes + MiB);
    assert.deepEqual((await verifyAll(repository, target, disk)).differences.slice(-1), ['size target.img']);
    const inode = statSync(target).ino;
    const restored = await restoreAll(repository, target, disk);
    assert.ok(
      restored.counts.bytesRestored < imageBytes / 2,
      `${restored.counts.bytesRestored} bytes written`,
    );
    assert.ok(readFileSync(target).equals(readFileSync(source)));
    assert.equal(statSync(target).ino, inode);
  });

  it('is nothing that is no file or device, and its restore nothing beside one file', async (t) => {
    const { folder, repository } = await workplace(t);
    await assert.rejects(stageAll(repository, folder, image), { code: 'unsupported', message: /no image/ });
    await assert.rejects(stageAll(repository, '/dev/null', image), { code: 'unsupported' });
    await assert.rejects(stageAll(repository, join(folder, 'none'), image), { code: 'not-found' });
    assert.deepEqual(await stateOf(repository), { snapshots: [], locks: 0 });
    writeFileSync(join(folder, 'file'), 'contents');
    await stageAll(repository, join(folder, 'file'), { storeAs: '/a/file' });
    const target = join(folder, 'target');
    for (const snapshot of ['latest', 'latest:/a']) {
      const refused = { name: 'UsageError', message: /one file of a snapshot/ };
      await assert.rejects(restoreAll(repository, target, { snapshot, image: true }), refused);
      await assert.rejects(verifyAll(repository, target, { snapshot, image: true }), refused);
    }
    const snapshot = 'latest:/a/file';
    await assert.rejects(restoreAll(repository, target, { snapshot, image: true, delete: true }), {
      name: 'UsageError',
    });
  });
});

describe('a block device', () => {
  rootTest('is stored as one file, as restic reads it, and every time anew', async (t) => {
    const { folder, repository, location } = await workplace(t, { chunker: 'rabin' });
    makeImage(join(folder, 'backing'), 3);
    const device = loopDevice(t, join(folder, 'backing'));
    if (device === undefined) return skipLoudly(t, 'there is no loop device');
    symlinkSync(device, join(folder, 'link'));
    const staged = await stageAll(repository, join(folder, 'link'), image);
    assert.deepEqual([staged.counts.filesNew, staged.counts.bytesProcessed], [1, imageBytes]);
    assert.ok(staged.counts.dataAdded < imageBytes / 2, `${staged.counts.dataAdded} bytes added`);
    const contents = readFileSync(join(folder, 'backing'));
    const binary = peer('restic-newest');
    if (binary === undefined) process.stderr.write('SKIPPED: what restic reads of a device: npm run peers\n');
    else {
      const restic = new Restic({ binary, repository: location });
      assert.ok((await restic.run(['dump', 'latest', '/disk.img'])).stdout.equals(contents));
      await restic.check();
    }
    write(device, Buffer.from('changed'), 50 * MiB);
    const again = await stageAll(repository, device, image);
    assert.ok(again.counts.dataBlobs > 0);
    const target = join(folder, 'target.img');
    await restoreAll(repository, target, disk);
    assert.ok(readFileSync(target).equals(beginningOf(device, imageBytes)));
    assert.ok(statSync(target).blocks * 512 < MiB, 'its zeros are holes');
  });

  rootTest('without the word for it is stored as a device node', async (t) => {
    const { folder, repository } = await workplace(t);
    makeImage(join(folder, 'backing'), 4);
    const device = loopDevice(t, join(folder, 'backing'));
    if (device === undefined) return skipLoudly(t, 'there is no loop device');
    const staged = await stageAll(repository, device, { storeAs: '/disk' });
    assert.deepEqual([staged.counts.othersProcessed, staged.counts.bytesProcessed], [1, 0]);
  });

  rootTest('takes an image in place: what differs is written, the rest of it stays', async (t) => {
    const { folder, repository } = await workplace(t);
    const [source, backing] = [join(folder, 'source.img'), join(folder, 'backing')];
    makeImage(source, 5);
    await stageAll(repository, source, image);
    makeImage(backing, 6, imageBytes + MiB);
    write(backing, Buffer.from('not zero'), 70 * MiB);
    write(backing, Buffer.from('behind'), imageBytes + 5);
    const device = loopDevice(t, backing);
    if (device === undefined) return skipLoudly(t, 'there is no loop device');
    const before = statSync(device);
    assert.deepEqual((await verifyAll(repository, device, disk)).isEqual, false);
    const planned = await restoreAll(repository, device, { ...disk, dryRun: true });
    const restored = await restoreAll(repository, device, disk);
    assert.deepEqual([restored.isPartial, restored.warnings], [false, 0]);
    assert.deepEqual(restored.items, planned.items);
    assert.ok(restored.counts.bytesRestored < imageBytes, `${restored.counts.bytesRestored} bytes written`);
    const bytes = beginningOf(device, imageBytes + 16);
    assert.ok(bytes.subarray(0, imageBytes).equals(readFileSync(source)));
    assert.equal(bytes.toString('latin1', imageBytes + 5, imageBytes + 11), 'behind');
    const after = statSync(device);
    assert.deepEqual([after.mode, after.uid, after.rdev], [before.mode, before.uid, before.rdev]);
    assert.deepEqual((await verifyAll(repository, device, disk)).differences, []);
    const again = await restoreAll(repository, device, disk);
    assert.deepEqual([again.counts.filesSkipped, again.counts.bytesRestored], [1, 0]);
  });

  rootTest('is restored onto, or refused, whatever the time of its node is', async (t) => {
    const { folder, repository } = await workplace(t);
    const [source, backing] = [join(folder, 'source.img'), join(folder, 'backing')];
    makeImage(source, 10, 48 * MiB);
    await stageAll(repository, source, image);
    makeImage(backing, 11, 48 * MiB);
    const device = loopDevice(t, backing);
    if (device === undefined) return skipLoudly(t, 'there is no loop device');
    for (const overwrite of ['never', 'if-newer'] as const) {
      await assert.rejects(restoreAll(repository, device, { ...disk, overwrite }), {
        name: 'UsageError',
        message: new RegExp(`says nothing of its contents: --overwrite ${overwrite} `),
      });
    }
    const restored = await restoreAll(repository, device, { ...disk, overwrite: 'if-changed' });
    assert.equal(restored.counts.filesRestored, 1);
    assert.ok(beginningOf(device, 48 * MiB).equals(readFileSync(source)));
  });

  rootTest('that is too small or in use is not written to, nor said to be in a dry run', async (t) => {
    const { folder, repository } = await workplace(t);
    const [source, backing] = [join(folder, 'source.img'), join(folder, 'backing')];
    makeImage(source, 7);
    await stageAll(repository, source, image);
    makeImage(backing, 8, MiB + 41 * MiB);
    const device = loopDevice(t, backing);
    if (device === undefined) return skipLoudly(t, 'there is no loop device');
    await assert.rejects(restoreAll(repository, device, disk), { code: 'no-space' });

    makeImage(join(folder, 'other'), 9);
    const mounted = loopDevice(t, join(folder, 'other'));
    if (mounted === undefined || spawnSync('mkfs.ext4', ['-q', mounted]).status !== 0) {
      return skipLoudly(t, 'there is no mkfs.ext4');
    }
    const point = join(folder, 'mounted');
    if (spawnSync('mount', ['--mkdir', mounted, point]).status !== 0) {
      return skipLoudly(t, 'cannot mount a device');
    }
    try {
      for (const dryRun of [true, false]) {
        const refused = { errno: 'EBUSY' };
        const events: string[] = [];
        const onEvent = ({ type }: RestoreEvent): void => void events.push(type);
        await assert.rejects(restoreAll(repository, mounted, { ...disk, dryRun, onEvent }), refused);
        assert.deepEqual(events, [], 'before anything is compared');
      }
    } finally {
      spawnSync('umount', [point]);
    }
  });
});
