import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { CancelledError } from '../../../../src/base/errors.ts';
import { LocalDriver } from '../../../../src/providers/objects/local/driver.ts';
import { sweepTemporaryFiles } from '../../../../src/providers/objects/local/sweep.ts';
import { InstantClock } from '../../../support/providers/instant-clock.ts';

const hourMs = 3_600_000;

test('a sweep removes temporary files older than a day, nothing else', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tranship-sweep-'));
  const clock = new InstantClock();
  const write = async (name: string, ageMs: number): Promise<void> => {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), '');
    const seconds = (clock.nowMs() - ageMs) / 1000;
    await utimes(join(root, name), seconds, seconds);
  };
  try {
    await write('data/ab/old-tmp-0123', 25 * hourMs);
    await write('data/ab/claimed-tmp-claim', 25 * hourMs);
    await write('data/ab/young-tmp-4567', 23 * hourMs);
    await write('data/ab/object', 1000 * hourMs);
    await mkdir(join(root, 'folder-tmp-1'));
    await symlink('data', join(root, 'link-tmp-1'));
    assert.equal(await new LocalDriver(root).sweep({ clock }), 2);
    assert.deepEqual((await readdir(join(root, 'data/ab'))).sort(), ['object', 'young-tmp-4567']);
    assert.equal(await sweepTemporaryFiles(root, { clock, olderThanMs: hourMs }), 1);
    assert.deepEqual((await readdir(root)).sort(), ['data', 'folder-tmp-1', 'link-tmp-1']);
    assert.equal(await sweepTemporaryFiles(join(root, 'missing')), 0);
    await assert.rejects(sweepTemporaryFiles(root, { signal: AbortSignal.abort() }), CancelledError);
  } finally {
    await rm(root, { recursive: true });
  }
});
