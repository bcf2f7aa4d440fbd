import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { CancelledError } from '../../../src/base/errors.ts';
import { createExclusion } from '../../../src/copy/source/exclusion.ts';
import { compilePatterns } from '../../../src/copy/source/patterns.ts';
import { scanSource } from '../../../src/copy/source/scan.ts';
import type { ScanOptions, ScanTotals } from '../../../src/copy/source/scan.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('scan', () => {
  let folder = '';

  beforeEach((t) => {
    folder = temporaryFolder(t as TestContext);
    mkdirSync(join(folder, 'cache'));
    mkdirSync(join(folder, 'deep', 'er'), { recursive: true });
    writeFileSync(join(folder, 'a'), 'x'.repeat(10));
    writeFileSync(join(folder, 'deep', 'er', 'b'), 'x'.repeat(200));
    writeFileSync(join(folder, 'cache', 'c'), 'x'.repeat(3000));
    writeFileSync(join(folder, 'cache', 'CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55');
    symlinkSync('a', join(folder, 'link'));
  });

  const scan = (more: Partial<ScanOptions> = {}): Promise<ScanTotals> =>
    scanSource({ paths: [folder], exclusion: createExclusion(), oneFileSystem: false, ...more });

  it('counts files and bytes, not links and folders', async () => {
    assert.deepEqual(await scan(), { files: 4, bytes: 3253 });
    assert.deepEqual(await scan({ paths: [join(folder, 'a'), join(folder, 'deep')] }), {
      files: 2,
      bytes: 210,
    });
  });

  it('leaves out what the pass leaves out', async () => {
    const patterns = compilePatterns(['deep/er']);
    assert.deepEqual(await scan({ exclusion: createExclusion({ patterns, caches: true }) }), {
      files: 2,
      bytes: 53,
    });
    assert.deepEqual(await scan({ exclusion: createExclusion({ largerThanBytes: 100 }) }), {
      files: 2,
      bytes: 53,
    });
  });

  it('matches patterns with the paths of the snapshot', async () => {
    const exclusion = createExclusion({ patterns: compilePatterns(['/data/cache']) });
    assert.deepEqual(await scan({ exclusion, storeAs: '/data' }), { files: 2, bytes: 210 });
  });

  it('passes over what it cannot read', async () => {
    chmodSync(join(folder, 'deep'), 0);
    const totals = await scan({ paths: [folder, join(folder, 'none')] });
    // Root reads everything.
    assert.ok(totals.files === 4 || totals.files === 3);
    chmodSync(join(folder, 'deep'), 0o700);
  });

  it('ends when the pass has ended', async () => {
    for (let index = 0; index < 3000; index++) writeFileSync(join(folder, 'deep', `f${index}`), '');
    await assert.rejects(scan({ signal: AbortSignal.abort() }), CancelledError);
  });
});
