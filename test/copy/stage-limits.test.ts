import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chunkSizes } from '../../src/repository/chunker/chunker.ts';
import { createRandom } from '../support/seed.ts';
import { stageAll, stateOf, verifyAll, workplace } from './copying.ts';
import type { LimitedStage } from './limited-stage-program.ts';

const program = fileURLToPath(new URL('limited-stage-program.ts', import.meta.url));

/** Stages the paths in a process that may have 1024 descriptors, as most may. */
function stageLimited(location: string, paths: readonly string[]): LimitedStage {
  const script = 'ulimit -n 1024 && exec "$0" "$@"';
  const child = spawnSync('sh', ['-c', script, process.execPath, program, location], {
    input: JSON.stringify(paths),
    encoding: 'utf8',
  });
  assert.equal(child.status, 0, child.stderr);
  return JSON.parse(child.stdout) as LimitedStage;
}

describe('a pass that may open 1024 files at once', () => {
  it('misses nothing of 3000 folders with a new file each', async (t) => {
    const { folder, location, repository } = await workplace(t);
    const source = join(folder, 'source');
    for (let i = 0; i < 3000; i++) {
      mkdirSync(join(source, `folder-${i}`), { recursive: true });
      writeFileSync(join(source, `folder-${i}`, 'file'), `contents ${i}`);
    }
    const staged = stageLimited(location, [source]);
    assert.deepEqual(staged, { isPartial: false, filesNew: 3000, errors: [], descriptors: '1024' });
    const verified = await verifyAll(repository, source, { snapshot: `latest:${source}` });
    assert.deepEqual(verified.differences, []);
  });

  it('misses none of 1500 paths that are files', async (t) => {
    const { folder, location, repository } = await workplace(t);
    const source = join(folder, 'source');
    mkdirSync(source);
    const paths = Array.from({ length: 1500 }, (_, i) => join(source, `file-${i}`));
    for (const path of paths) writeFileSync(path, `contents of ${path}`);
    const staged = stageLimited(location, paths);
    assert.deepEqual(staged, { isPartial: false, filesNew: 1500, errors: [], descriptors: '1024' });
    const verified = await verifyAll(repository, source, { snapshot: `latest:${source}` });
    assert.deepEqual(verified.differences, []);
  });
});

describe('a pass that ends early', () => {
  /** Descriptors of this process below a folder. */
  function openBelow(folder: string): string[] {
    return readdirSync('/proc/self/fd')
      .map((fd) => {
        try {
          return readlinkSync(join('/proc/self/fd', fd));
        } catch {
          return '';
        }
      })
      .filter((path) => path.startsWith(folder));
  }

  const moments = [
    { title: 'an item beside large files', type: 'item', smallFiles: 200 },
    { title: 'the progress of large and small files', type: 'status', smallFiles: 200 },
  ] as const;
  for (const { title, type, smallFiles } of moments) {
    it(`because a listener threw at ${title} leaves no descriptor open`, async (t) => {
      const { folder, repository } = await workplace(t);
      const source = join(folder, 'source');
      mkdirSync(join(source, 'folder'), { recursive: true });
      const random = createRandom(1);
      // Large files are read in sections by all workers; small ones are on their way at the same time.
      for (const name of ['a', 'b']) {
        writeFileSync(join(source, name), random.bytes(3 * chunkSizes.maximumBytes + 1));
      }
      for (let i = 0; i < smallFiles; i++) writeFileSync(join(source, 'folder', `${i}`), random.bytes(100));
      const before = openBelow(folder);
      for (let round = 0; round < 2; round++) {
        const thrown = new Error('the listener failed');
        const pass = stageAll(repository, source, {
          workers: 2,
          onEvent: (event) => {
            if (event.type === type) throw thrown;
          },
        });
        await assert.rejects(pass, (error) => error === thrown);
        assert.deepEqual(openBelow(folder), before);
      }
      assert.deepEqual(await stateOf(repository), { snapshots: [], locks: 0 });
      const whole = await stageAll(repository, source, { workers: 2 });
      assert.equal(whole.isPartial, false);
      assert.deepEqual(openBelow(folder), before);
    });
  }
});
