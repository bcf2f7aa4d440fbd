/** `tranship copy` from one service to another, each with its own credentials and settings. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { newContainer } from '../support/azure-blob/azure-container.ts';
import { startAzurite } from '../support/azure-blob/azurite-server.ts';
import { newGcsBucket } from '../support/gcs/gcs-bucket.ts';
import { startFakeGcs } from '../support/gcs/gcs-server.ts';
import { TokenServer } from '../support/gcs/token-server.ts';
import { peerSuite } from '../support/peers.ts';
import { startRefusingProxy } from '../support/servers/refusing-proxy.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { testPassword, tranship } from '../support/tranship.ts';

type Environment = Readonly<Record<string, string>>;

/** Each side has a password of its own. */
const passwords = { TRANSHIP_FROM_PASSWORD: testPassword, TRANSHIP_PASSWORD: 'other' };

async function well(args: readonly string[], env: Environment): Promise<void> {
  const { code, stderr } = await tranship([...args, '-q'], { env });
  assert.deepEqual([code, stderr], [0, ''], args[0]);
}

/** A repository with one snapshot of `/v`. */
async function fill(t: TestContext, location: string, env: Environment): Promise<void> {
  const source = join(temporaryFolder(t), 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'file'), 'of a volume');
  await well(['init', '-r', location], env);
  await well(['stage', '-r', location, source, '--as', '/v'], env);
}

async function assertCopied(t: TestContext, location: string, env: Environment): Promise<void> {
  const target = join(temporaryFolder(t), 'target');
  await well(['check', '-r', location, '--read-data'], env);
  await well(['restore', '-r', location, 'latest:/v', '--target', target, '--verify'], env);
  assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'of a volume');
}

peerSuite(['versitygw', 'fake-gcs-server'], 'tranship copy from S3 to Google Cloud Storage', (paths) => {
  it('takes for each side its credentials and its settings', async (t) => {
    const [s3, gcs] = [await startVersitygw(paths.versitygw), await startFakeGcs(paths['fake-gcs-server'])];
    const tokens = await TokenServer.start(60_000);
    t.after(async () => {
      tokens.stop();
      await Promise.all([s3.stop(), gcs.stop()]);
    });
    const [from, to] = [await newBucket(s3), await newGcsBucket(gcs)];
    const tags: unknown[] = [];
    const source = await startRefusingProxy(s3.endpoint, ({ method, headers }) => {
      if (method === 'PUT') tags.push(headers['x-amz-tagging']);
      return undefined;
    });
    const target = await startRefusingProxy(gcs.endpoint, tokens.guard);
    t.after(() => Promise.all([source.stop(), target.stop()]));
    await fill(t, from.location('east'), from.env);

    const credentials = join(temporaryFolder(t), 'account.json');
    writeFileSync(credentials, JSON.stringify(tokens.serviceAccount));
    const location = to.location('west', target.endpoint);
    const google = ['--credentials-file', credentials];
    const ini = join(temporaryFolder(t), 'credentials');
    const { AWS_ACCESS_KEY_ID: id = '', AWS_SECRET_ACCESS_KEY: secret = '' } = from.env;
    writeFileSync(ini, `[default]\naws_access_key_id=${id}\naws_secret_access_key=${secret}\n`);
    const sides = ['-r', location, ...google, '--from-repo', from.location('east', source.endpoint)];
    const files = ['--from-credentials-file', ini];
    await well(['init', ...sides, ...files, '--copy-chunker-params'], passwords);
    tags.length = 0;
    await well(['copy', ...sides, ...files, '-o', 's3.tags=side=both'], passwords);
    assert.deepEqual(new Set(tags.splice(0)), new Set(['side=both']), 'the lock of the source');
    const options = ['-o', 's3.tags=side=both', '--from-option', 's3.tags=side=source'];
    await well(['copy', ...sides, ...files, ...options], passwords);
    assert.deepEqual(new Set(tags), new Set(['side=source']), 'the lock of the source');
    await assertCopied(t, to.location('west'), { TRANSHIP_PASSWORD: 'other' });
  });
});

peerSuite(['azurite'], 'tranship copy from Azure Blob Storage to a folder', ({ azurite }) => {
  it('needs no more than the credentials of the one', async (t) => {
    const server = await startAzurite(azurite);
    t.after(() => server.stop());
    const container = await newContainer(server);
    await fill(t, container.location('east'), container.env);
    const location = join(temporaryFolder(t), 'west');
    const env = { ...passwords, ...container.env };
    const sides = ['-r', location, '--from-repo', container.location('east')];
    await well(['init', ...sides, '--copy-chunker-params'], env);
    await well(['copy', ...sides], env);
    await assertCopied(t, location, { TRANSHIP_PASSWORD: 'other' });
  });
});
