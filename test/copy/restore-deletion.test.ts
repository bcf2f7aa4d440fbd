import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { compilePatterns } from '../../src/copy/source/patterns.ts';
import { restoreAll, stageAll, withoutRights, workplace } from './copying.ts';
import { files, staged } from './restore-fixtures.ts';

describe('a restore with --delete', () => {
  it('keeps what is excluded inside of folders that the snapshot does not have', async (t) => {
    const place = await staged(t, files('kept'));
    const extras = ['keep.log', 'extra/sub/keep.log', 'extra/gone', 'extra/empty/gone', 'cache/deep/inner'];
    files(...extras)(place.target);
    const exclude = compilePatterns(['*.log', 'cache/deep']);
    const restored = await restoreAll(place.repository, place.target, { delete: true, exclude });
    assert.deepEqual([...restored.errors.values()], []);
    const left = extras.filter((name) => existsSync(join(place.target, name)));
    assert.deepEqual(left, ['keep.log', 'extra/sub/keep.log', 'cache/deep/inner']);
    assert.ok(!existsSync(join(place.target, 'extra', 'empty')));
    assert.ok(existsSync(join(place.target, 'kept')));
  });

  it('deletes nothing when the snapshot lacks what could not be read, and warns', async (t) => {
    const { folder, repository } = await workplace(t);
    const [source, target] = [join(folder, 'source'), join(folder, 'target')];
    files('a', 'secret', 'closed/inner')(source);
    mkdirSync(target);
    await withoutRights(folder, async () => {
      chmodSync(join(source, 'secret'), 0);
      const partial = await stageAll(repository, source);
      assert.equal(partial.isPartial, true);
      files('secret', 'extra')(target);
      const dry = await restoreAll(repository, target, { delete: true, dryRun: true });
      assert.equal(dry.counts.deleted, 0);
      const restored = await restoreAll(repository, target, { delete: true });
      assert.deepEqual([...restored.errors.values()], []);
      assert.equal(restored.counts.deleted, 0);
      assert.equal(restored.warnings, 1);
      assert.match([...restored.warned.values()].join(), /partial/);
      for (const name of ['a', 'secret', 'extra']) assert.ok(existsSync(join(target, name)), name);
      chmodSync(join(source, 'secret'), 0o600);
      await stageAll(repository, source);
      const whole = await restoreAll(repository, target, { delete: true });
      assert.equal(whole.counts.deleted, 1);
      assert.ok(!existsSync(join(target, 'extra')));
    });
  });
});
