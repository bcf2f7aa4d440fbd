import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { stage } from '../../src/copy/stage.ts';
import { initQuickly } from '../support/quick-repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MiB = 2 ** 20;

it('a cancelled pass loses nothing it has uploaded: the next one does not upload it again', async (t) => {
  const folder = temporaryFolder(t);
  const source = join(folder, 'file');
  writeFileSync(source, randomBytes(192 * MiB));
  const repository = await initQuickly(join(folder, 'repository'));
  const controller = new AbortController();
  const cancelled = stage(repository, {
    paths: [source],
    packSizeBytes: 4 * MiB,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type !== 'status') return;
      if (event.counts.dataAdded > 40 * MiB) controller.abort();
    },
  });
  await assert.rejects(cancelled, { code: 'cancelled' });
  assert.deepEqual(await repository.listIds('snapshots'), []);
  assert.deepEqual(await repository.listIds('locks'), []);
  assert.equal((await repository.listIds('index')).length, 1);

  const { counts } = await stage(repository, { paths: [source] });
  // Packs that were on their way when it was cancelled are lost; those that had arrived are not.
  assert.ok(counts.dataAdded <= 188 * MiB, `${counts.dataAdded} of ${192 * MiB} bytes`);
});
