import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { listening } from '../support/listening.ts';
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
    assert.deepEqual(readdirSync(folder), []);
  });

  it('makes no folder at a path that was mistyped, and keeps those that were there', async (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'there/locks'), { recursive: true });
    for (const path of ['mistyped/repository', 'there']) {
      assert.equal((await tranship(['store', 'check', join(folder, path)])).code, 0);
    }
    assert.deepEqual(readdirSync(folder, { recursive: true }), ['there', 'there/locks']);
  });

  it('lists missing rights where there is no policy to print, and none of a read-only store', async (t) => {
    const server = createServer((_request, response) => {
      response.writeHead(403, { 'content-type': 'text/plain' }).end('no');
    });
    const endpoint = `http://127.0.0.1:${await listening(t, server)}`;
    const google = await tranship(['store', 'check', `gs://replica/east?endpoint=${endpoint}`]);
    assert.match(google.stdout, /\na stage pass lacks:\nlist keys\/ data\/ index\/ snapshots\/ locks\/\n/);
    assert.doesNotMatch(google.stdout, /undefined/);
    assert.equal(google.code, 1, google.stderr);
    const file = join(temporaryFolder(t), 'store.yaml');
    const spec = {
      provider: 'aws',
      accessMode: 'ReadOnly',
      objectStorage: { bucket: 'replica' },
      config: { region: 'us-east-1', s3Url: endpoint },
    };
    writeFileSync(file, JSON.stringify({ kind: 'BackupStorageLocation', metadata: { name: 'a' }, spec }));
    const env = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
    const readOnly = await tranship(['store', 'check', `velero:${file}`], { env });
    assert.match(readOnly.stdout, /\nthe store was opened for reading only\n$/);
    assert.doesNotMatch(readOnly.stdout, /to be allowed|lacks/);
  });

  it('refuses a description on standard input for both sides of a copy', async () => {
    const args = ['copy', '-r', 'velero:-?path=a', '--from-repo', 'velero:-?path=b'];
    const { code, stderr } = await tranship(args, { input: 'kind: BackupStorageLocation' });
    assert.match(
      stderr,
      /^tranship: only one of two repositories can be described on standard input: [^\n]*\n$/,
    );
    assert.equal(code, 2);
  });

  it('says in one line what is wrong with its arguments', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['policy'], /no provider was given \(one of: aws, gcp, azure\)/],
      [['policy', 'aws', 'admin'], /unknown role: admin \(one of: stage, restore, prune\)/],
      [['policy', 'aws', 'stage', '--prefix', 'a//b'], /not a prefix that object keys can have/],
      [['check', 'a', 'b'], /too many arguments: b/],
      [['repos'], /no repository was given/],
      [['policy', 'aws', 'stage', '--bucket', '*'], /not the name of a bucket: bucket/],
      [['policy', 'gcp', 'stage', '--bucket', 'a?b'], /not the name of a bucket: bucket/],
      [['policy', 'azure', 'stage', '--bucket', 'a/b'], /not the name of a bucket: bucket/],
      [['check', '/tmp', '--watch', 'often'], /not a duration/],
      [['check', '/tmp', '--watch', '0'], /asked too often: --watch/],
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
