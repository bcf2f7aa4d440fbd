import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { close, makeDeviceId, makeNodeAt, openRoot } from '../../src/base/file-system.ts';
import { rootTest, skipLoudly } from '../support/root-test.ts';
import { createRandom } from '../support/seed.ts';
import { files, packsOf, staged } from './restore-fixtures.ts';
import type { Staged } from './restore-fixtures.ts';
import { restoreAll, stateOf, verifyAll } from './copying.ts';

const image = { snapshot: 'latest:/v/image', image: true } as const;
const dry = { ...image, dryRun: true } as const;

/** A snapshot with one file that is taken for an image. */
function withImage(t: TestContext): Promise<Staged> {
  return staged(t, files('image'));
}

describe('the target of a pass', () => {
  it('without a name is refused, instead of restoring nothing, or into the current folder', async (t) => {
    const { repository } = await withImage(t);
    const refused = { name: 'UsageError', message: /name of the target is empty/ };
    for (const options of [{}, image]) {
      await assert.rejects(restoreAll(repository, '', { ...options, dryRun: true }), refused);
      await assert.rejects(verifyAll(repository, '', options), refused);
    }
  });
});

describe('the target of an image', () => {
  it('is not a FIFO, which a restore replaced by a file', async (t) => {
    const { repository, folder } = await withImage(t);
    const fifo = join(folder, 'fifo');
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
    symlinkSync(fifo, join(folder, 'link'));
    for (const target of [fifo, join(folder, 'link')]) {
      for (const options of [dry, image]) {
        await assert.rejects(restoreAll(repository, target, options), {
          code: 'unsupported',
          what: 'neither a file nor a block device: no place for an image',
          where: target,
          advice: 'name a file or a block device',
        });
      }
    }
    assert.ok(lstatSync(fifo).isFIFO());
    assert.equal((await stateOf(repository)).locks, 0);
  });

  it('is not /dev/null', async (t) => {
    const { repository } = await withImage(t);
    await assert.rejects(restoreAll(repository, '/dev/null', dry), { code: 'unsupported' });
  });

  rootTest('is not a character device, which a restore as root replaced by a file', async (t) => {
    const { repository, folder } = await withImage(t);
    const folderFd = openRoot(folder);
    try {
      makeNodeAt(folderFd, Buffer.from('null'), 'character-device', 0o600, makeDeviceId(1, 3));
    } finally {
      close(folderFd);
    }
    const target = join(folder, 'null');
    await assert.rejects(restoreAll(repository, target, image), { code: 'unsupported' });
    assert.ok(lstatSync(target).isCharacterDevice());
  });

  it('is not a link that leads nowhere, which a restore replaced', async (t) => {
    const { repository, folder } = await withImage(t);
    const link = join(folder, 'link');
    symlinkSync('nowhere', link);
    const refused = { code: 'unsupported', message: /the link leads nowhere: .*link \(/ };
    for (const options of [dry, image]) await assert.rejects(restoreAll(repository, link, options), refused);
    assert.equal(readlinkSync(link), 'nowhere');
    assert.equal(existsSync(join(folder, 'nowhere')), false);
  });

  it('is a file that a link leads to', async (t) => {
    const { repository, folder, source } = await withImage(t);
    const [file, link] = [join(folder, 'file'), join(folder, 'link')];
    writeFileSync(file, 'old');
    symlinkSync('file', link);
    await restoreAll(repository, link, image);
    assert.equal(readlinkSync(link), 'file');
    assert.equal(readFileSync(file, 'utf8'), readFileSync(join(source, 'image'), 'utf8'));
  });

  it('is not a folder, and the advice can be followed', async (t) => {
    const { repository, folder } = await withImage(t);
    const target = join(folder, 'target');
    mkdirSync(target);
    await assert.rejects(restoreAll(repository, target, image), {
      code: 'unsupported',
      message: /name a file in it/,
    });
    assert.deepEqual(readdirSync(target), []);
    await restoreAll(repository, join(target, 'image'), image);
    assert.deepEqual(readdirSync(target), ['image']);
  });

  it('is not a mistyped device, whose name became a file in memory', async (t) => {
    const { repository, folder } = await withImage(t);
    symlinkSync('/dev', join(folder, 'dev'));
    const refused = { code: 'not-found', message: /no device has this name/ };
    for (const target of ['/dev/tranship-none', '/dev/tranship-none/data', join(folder, 'dev/tranship-none')])
      await assert.rejects(restoreAll(repository, target, dry), refused);
    const shared = '/dev/shm';
    if (!existsSync(shared) || statSync(shared).dev === statSync('/dev').dev) {
      return skipLoudly(t, 'nothing is mounted on /dev/shm');
    }
    const planned = await restoreAll(repository, join(shared, 'tranship-none'), dry);
    assert.deepEqual(planned.items, ['restored tranship-none']);
  });

  it('gets nothing of an image that is damaged, and the restore fails', async (t) => {
    const place = await staged(t, (source) =>
      writeFileSync(join(source, 'image'), createRandom(9).bytes(1e5)),
    );
    const [pack = ''] = packsOf(place.location).toSorted((a, b) => statSync(b).size - statSync(a).size);
    rmSync(pack);
    await assert.rejects(restoreAll(place.repository, place.target, image), { code: 'corrupt' });
    assert.equal(existsSync(place.target), false);
    assert.equal((await stateOf(place.repository)).locks, 0);
  });
});
