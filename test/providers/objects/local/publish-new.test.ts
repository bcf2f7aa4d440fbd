import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { StoreError } from '../../../../src/base/errors.ts';
import { publishByClaim, publishNew } from '../../../../src/providers/objects/local/publish-new.ts';
import { claimPath } from '../../../../src/providers/objects/local/temporary-name.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tranship-publish-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

for (const publish of [publishNew, publishByClaim]) {
  test(`${publish.name}: of racing writers exactly one wins, and none leaves a claim`, async () => {
    for (let round = 0; round < 5; round += 1) {
      const final = join(root, `object-${round}`);
      const writers = Array.from({ length: 10 }, (_, index) => `${final}-tmp-${index}`);
      for (const path of writers) await writeFile(path, path);
      const results = await Promise.allSettled(writers.map((path) => publish(path, final)));
      const winners = writers.filter((_, index) => results[index]?.status === 'fulfilled');
      assert.equal(winners.length, 1);
      assert.equal(await readFile(final, 'utf8'), winners[0]);
      await Promise.all(writers.map((path) => rm(path, { force: true })));
    }
    assert.deepEqual(
      (await readdir(root)).sort(),
      Array.from({ length: 5 }, (_, round) => `object-${round}`),
    );
  });
}

test('where links are missing, a taken name is already-exists and a claimed one may be tried again', async () => {
  const final = join(root, 'object');
  const temporary = `${final}-tmp-1`;
  await writeFile(temporary, 'new');
  await writeFile(claimPath(final), '');
  await assert.rejects(publishByClaim(temporary, final), { code: 'unavailable', retryable: true });
  await rm(claimPath(final));
  await writeFile(final, 'old');
  await assert.rejects(
    publishByClaim(temporary, final),
    (error) => error instanceof StoreError && error.code === 'already-exists',
  );
  assert.equal(await readFile(final, 'utf8'), 'old');
});
