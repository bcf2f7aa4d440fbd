import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { initQuickly } from '../support/quick-repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tranship } from '../support/tranship.ts';

describe('tranship store', () => {
  it('lists repositories without a password, as text and as an array', async (t) => {
    const folder = temporaryFolder(t);
    await (await initQuickly(join(folder, 'velero/restic/shop'))).store.close();
    const env = { TRANSHIP_PASSWORD: undefined };
    const text = await tranship(['store', 'repos', folder], { env });
    assert.deepEqual([text.stderr, text.code], ['', 0]);
    assert.match(text.stdout, /^Path +Format +Created +Last snapshot +Snapshots +Locks +Size\n/);
    assert.match(text.stdout, /\nvelero\/restic\/shop {2}restic {2}\d{4}-\d\d-\d\d /);
    const json = await tranship(['store', 'repos', '--json'], {
      env: { ...env, TRANSHIP_REPOSITORY: folder },
    });
    const [found, ...others]: Record<string, unknown>[] = JSON.parse(json.stdout);
    assert.deepEqual(
      [found?.['path'], found?.['snapshots'], found?.['last_change']],
      ['velero/restic/shop', 0, null],
    );
    assert.deepEqual(others, []);
    const none = await tranship(['store', 'repos', join(folder, 'velero/nothing')], { env });
    assert.deepEqual([none.stdout, none.code], ['no repository among 0 objects\n', 0]);
  });

  it('checks a folder and leaves no file', async (t) => {
    const folder = temporaryFolder(t);
    const { stdout, code } = await tranship(['store', 'check', folder]);
    assert.equal(code, 0);
    assert.match(stdout, /^locks\/ +yes +yes +yes +yes$/m);
    assert.match(stdout, /^prune +can work here$/m);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    assert.deepEqual(files, []);
  });

  it('says in one line what is wrong with its arguments', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['policy'], /no provider was given \(one of: aws, gcp, azure\)/],
      [['policy', 'aws', 'admin'], /unknown role: admin \(one of: stage, restore, prune\)/],
      [['policy', 'aws', 'stage', '--prefix', 'a//b'], /not a prefix that object keys can have/],
      [['check', 'a', 'b'], /too many arguments: b/],
      [['repos'], /no repository was given/],
      [['check', '/tmp', '--watch', 'often'], /not a duration/],
      [['copy'], /unknown command of `store`: copy/],
    ];
    for (const [args, expected] of cases) {
      const { code, stderr } = await tranship(['store', ...args]);
      assert.match(stderr, expected);
      assert.match(stderr, /^[^\n]*\n$/);
      assert.equal(code, 2);
    }
  });
});
