/** A bucket as Velero leaves it, found and read by what Velero was told of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { DeleteBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { peerSuite } from '../support/peers.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { s3Client } from '../support/s3/s3-client.ts';
import type { S3Server } from '../support/s3/s3-server.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { Authority } from '../support/tls/certificates.ts';
import { startTlsFront } from '../support/tls/tls-front.ts';
import { messages, tranship } from '../support/tranship.ts';
import { assertReadsWhatVeleroLeft, veleroDescription } from '../support/velero-leftovers.ts';

async function started(t: TestContext, binary: string) {
  const server = await startVersitygw(binary);
  t.after(() => server.stop());
  const bucket = await newBucket(server);
  return { server, bucket, folder: temporaryFolder(t) };
}

function description(server: S3Server, bucket: string): string {
  const keys = `aws_access_key_id=${server.accessKeyId}\naws_secret_access_key=${server.secretAccessKey}`;
  return veleroDescription({
    provider: 'aws',
    storage: `bucket: ${bucket}`,
    config: `region: ${server.region}, s3ForcePathStyle: "true", s3Url: "${server.endpoint}"`,
    credentials: `[default]\n${keys}\n`,
  });
}

async function putObject(server: S3Server, bucket: string, key: string): Promise<void> {
  const client = s3Client(server);
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'something' }));
  client.destroy();
}

peerSuite(['versitygw', 'restic-newest'], 'the store of a BackupStorageLocation', (paths) => {
  it('is searched, and a repository that restic left there is read', async (t) => {
    const { server, bucket } = await started(t, paths.versitygw);
    await assertReadsWhatVeleroLeft(t, {
      yaml: description(server, bucket.name),
      restic: {
        binary: paths['restic-newest'],
        repository: bucket.resticLocation('velero/restic/shop'),
        env: { ...bucket.env, AWS_DEFAULT_REGION: server.region },
      },
      plain: { location: bucket.location('velero'), env: bucket.env },
      secret: server.secretAccessKey,
      putObject: (key) => putObject(server, bucket.name, key),
    });
  });
});

peerSuite(['versitygw'], 'a store that is described with a certificate of its own', ({ versitygw }) => {
  it('is reached when the description alone says that any is taken, or whose', async (t) => {
    const { server, bucket, folder } = await started(t, versitygw);
    const authority = new Authority(folder);
    const port = await startTlsFront(t, server.endpoint, authority.issue({ names: 'IP:127.0.0.1' }));
    const endpoint = `https://127.0.0.1:${port}`;
    const check = (yaml: string) => tranship(['store', 'check', 'velero:-'], { input: yaml });
    const plain = description({ ...server, endpoint }, bucket.name);
    const refused = await check(plain);
    assert.match(refused.stderr, /unknown authority/);
    assert.equal(refused.code, 1);
    const insecure = await check(plain.replace('config: {', 'config: { insecureSkipTLSVerify: "true",'));
    assert.match(insecure.stderr, /^warning: the certificate of https:[^\n]* is not checked[^\n]*\n$/);
    assert.equal(insecure.code, 0);
    const caCert = Buffer.from(readFileSync(authority.path)).toString('base64');
    const trusted = await check(plain.replace('prefix: velero }', `prefix: velero, caCert: ${caCert} }`));
    assert.deepEqual([trusted.code, trusted.stderr], [0, '']);
  });
});

peerSuite(['versitygw'], 'a store that is watched', ({ versitygw }) => {
  it('is told to be gone when its bucket is deleted', async (t) => {
    const { server, bucket } = await started(t, versitygw);
    const client = s3Client(server);
    t.after(() => client.destroy());
    let [isDeleted, isEnded] = [false, false];
    let text = '';
    const result = await tranship(['store', 'check', bucket.location(), '--watch', '1s', '--json'], {
      env: bucket.env,
      onStdout: (piece, child) => {
        text += piece;
        if (!isDeleted && text.includes('"reachable"')) {
          isDeleted = true;
          void client.send(new DeleteBucketCommand({ Bucket: bucket.name }));
        }
        if (!isEnded && text.includes('"gone"')) isEnded = child.kill('SIGINT');
      },
    });
    const states = messages(result.stdout).filter((line) => line['message_type'] === 'store_state');
    assert.deepEqual(
      states.map(({ state, code }) => [state, code]),
      [
        ['reachable', undefined],
        ['gone', 'no-bucket'],
      ],
    );
    assert.equal(result.code, 130);
  });

  it('is described on standard input once, and watched all the same', async (t) => {
    const { server, bucket } = await started(t, versitygw);
    let text = '';
    const result = await tranship(['store', 'check', 'velero:-', '--watch', '1s', '--json'], {
      input: description(server, bucket.name),
      onStdout: (piece, child) => {
        text += piece;
        if (text.includes('store_state')) child.kill('SIGINT');
      },
    });
    const states = messages(result.stdout).filter((line) => line['message_type'] === 'store_state');
    assert.deepEqual(
      states.map(({ state }) => state),
      ['reachable'],
    );
    assert.equal(result.code, 130, result.stderr);
  });

  it('is checked no further when there is no bucket', async (t) => {
    const { bucket } = await started(t, versitygw);
    const location = bucket.location().replace(bucket.name, 'nowhere');
    const { code, stderr } = await tranship(['store', 'check', location], { env: bucket.env });
    assert.match(stderr, /^tranship: the bucket does not exist: [^\n]*\n$/);
    assert.equal(code, 1);
  });
});
