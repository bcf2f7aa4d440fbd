/** The command line on a bucket: what a new user does, and what goes wrong on the way there. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { peerSuite } from '../support/peers.ts';
import { deniedBelow, startRefusingProxy } from '../support/servers/refusing-proxy.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { Authority } from '../support/tls/certificates.ts';
import { startTlsFront } from '../support/tls/tls-front.ts';
import { launcher, tranship } from '../support/tranship.ts';
import type { TranshipResult } from '../support/tranship.ts';

/** Moves a process's clock 20 minutes ahead before its first line runs. */
const fastClock = `
  const now = Date.now;
  globalThis.Date = class extends Date {
    constructor(...values) { if (values.length === 0) super(now() + 1200000); else super(...values); }
    static now() { return now() + 1200000; }
  };`;

function assertOneLine(result: TranshipResult, code: number, message: RegExp): void {
  assert.match(result.stderr, message);
  assert.match(result.stderr, /^tranship: [^\n]*\n$/, 'more than one line');
  assert.equal(result.code, code);
}

peerSuite(['versitygw'], 'the command line over S3', ({ versitygw }) => {
  it('moves a tree with credentials from the environment, or from a file and a profile', async (t) => {
    const server = await startVersitygw(versitygw);
    t.after(() => server.stop());
    const bucket = await newBucket(server);
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'source'));
    writeFileSync(join(folder, 'source/file'), 'contents');
    const { AWS_ACCESS_KEY_ID: id = '', AWS_SECRET_ACCESS_KEY: secret = '' } = bucket.env;
    const credentials = join(folder, 'credentials');
    writeFileSync(
      credentials,
      `[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n` +
        `[mover]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`,
    );
    const r = ['-r', bucket.location('east')];
    const fromFile = ['--credentials-file', credentials, '--profile', 'mover'];
    const steps: readonly (readonly [readonly string[], Readonly<Record<string, string>>])[] = [
      [['init', ...r], bucket.env],
      [['stage', ...r, ...fromFile, join(folder, 'source'), '--as', '/v'], {}],
      [['restore', ...r, 'latest:/v', '--target', join(folder, 'target'), '--verify'], bucket.env],
      [['check', ...r, '--read-data'], { AWS_PROFILE: 'mover', AWS_SHARED_CREDENTIALS_FILE: credentials }],
      [['snapshots', '-r', bucket.resticLocation('east'), '--json'], bucket.env],
      [['unlock', ...r], bucket.env],
    ];
    for (const [args, env] of steps) {
      const { code, stderr, stdout } = await tranship(args, { env });
      assert.equal(code, 0, `${args[0]}: ${stderr}`);
      assert.ok(!stdout.includes(secret) && !stderr.includes(secret));
    }
  });

  it('says in one line what is wrong with a bucket, a key, a clock or an endpoint', async (t) => {
    const tenant = { accessKeyId: 'tenant', secretAccessKey: 'secret-of-tenant', role: 'user' } as const;
    const server = await startVersitygw(versitygw, { accounts: [tenant] });
    t.after(() => server.stop());
    const bucket = await newBucket(server);
    const { env } = bucket;
    const location = bucket.location();
    const web = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>It works!</html>');
    });
    await new Promise<void>((resolve) => {
      web.listen(0, '127.0.0.1', resolve);
    });
    t.after(() => web.close());
    const address = web.address();
    assert.ok(typeof address === 'object' && address !== null);
    const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
      tranship(args, { env: { ...env, ...more } });
    const clock = join(temporaryFolder(t), 'clock.mjs');
    writeFileSync(clock, fastClock);

    assertOneLine(await run(['snapshots', '-r', location]), 10, /there is no repository/);
    assertOneLine(
      await run(['init', '-r', location.replace(bucket.name, 'never-made')]),
      1,
      /the bucket does not exist: s3:\/\/never-made.*\(create it/,
    );
    assertOneLine(
      await run(['snapshots', '-r', location], { AWS_ACCESS_KEY_ID: 'nobody' }),
      1,
      /does not know the access key.*AWS_ACCESS_KEY_ID/,
    );
    assertOneLine(
      await run(['snapshots', '-r', location], { AWS_SECRET_ACCESS_KEY: 'wrong-secret' }),
      1,
      /secret key is not the one.*AWS_SECRET_ACCESS_KEY/,
    );
    assertOneLine(
      await run(['snapshots', '-r', location], {
        AWS_ACCESS_KEY_ID: tenant.accessKeyId,
        AWS_SECRET_ACCESS_KEY: tenant.secretAccessKey,
      }),
      1,
      /the server refused access: config \(allow/,
    );
    assertOneLine(
      await tranship(['snapshots', '-r', location, '--profile', 'none']),
      1,
      /there is no profile none: .*AWS_ACCESS_KEY_ID/,
    );
    assertOneLine(
      await run(['snapshots', '-r', location], { NODE_OPTIONS: `--import=${clock}` }),
      1,
      /clock is 20 minutes ahead of the server’s.*set the clock/,
    );
    assertOneLine(
      await run(['snapshots', '-r', bucket.location('', `http://127.0.0.1:${address.port}`)]),
      1,
      /answered with a web page/,
    );
    assertOneLine(
      await run(['snapshots', '-r', bucket.location('', 'http://s3.example.invalid:9000')]),
      2,
      /plain HTTP.*--allow-http/,
    );
  });

  it('a permission that is missing below one prefix is named with the object, and loses nothing', async (t) => {
    const server = await startVersitygw(versitygw);
    t.after(() => server.stop());
    const bucket = await newBucket(server);
    const { env } = bucket;
    const source = join(temporaryFolder(t), 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'contents');
    assert.equal((await tranship(['init', '-r', bucket.location()], { env })).code, 0);
    for (const prefix of ['locks/', 'data/', 'index/', 'snapshots/']) {
      const proxy = await startRefusingProxy(server.endpoint, deniedBelow(prefix));
      t.after(() => proxy.stop());
      const through = bucket.location('', proxy.endpoint);
      const result = await tranship(['stage', '-r', through, source, '--as', '/v'], { env });
      assertOneLine(result, 1, new RegExp(`refused access: ${prefix}.*\\(allow`));
    }
    assert.equal((await tranship(['stage', '-r', bucket.location(), source, '--as', '/v'], { env })).code, 0);
    assert.equal((await tranship(['check', '-r', bucket.location(), '--read-data'], { env })).code, 0);
  });

  it('a private authority is named by --ca-cert or AWS_CA_BUNDLE; none is needed with --insecure-tls', async (t) => {
    const server = await startVersitygw(versitygw);
    t.after(() => server.stop());
    const { env, location } = await newBucket(server);
    const authority = new Authority(temporaryFolder(t));
    const port = await startTlsFront(t, server.endpoint, authority.issue({ names: 'IP:127.0.0.1' }));
    const r = ['-r', location('east', `https://127.0.0.1:${port}`)];
    const proxies = { HTTPS_PROXY: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1' };
    const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
      tranship([...args, ...r], { env: { ...env, ...proxies, ...more } });
    assertOneLine(await run(['init']), 1, /unknown authority.*--ca-cert/);
    const init = await run(['init', '--ca-cert', authority.path]);
    assert.deepEqual([init.code, init.stderr], [0, '']);
    const listed = await run(['snapshots'], { AWS_CA_BUNDLE: authority.path });
    assert.deepEqual([listed.code, listed.stderr], [0, '']);
    const insecure = await run(['check', '--insecure-tls']);
    assert.equal(insecure.code, 0);
    assert.match(
      insecure.stderr,
      /^warning: the certificate of https:\/\/127\.0\.0\.1:\d+ is not checked[^\n]*\n$/,
    );
    const wrong = ['--ca-cert', join(temporaryFolder(t), 'none')];
    assertOneLine(await run(['snapshots', ...wrong]), 1, /cannot read the certificates: .*\/none/);
    assertOneLine(await run(['snapshots', '--ca-cert', launcher]), 2, /no certificate is in it: .*tranship/);
  });

  it('a wrong value of a setting is told by its name, with what it may be', async () => {
    const cases: readonly (readonly [setting: string, message: RegExp])[] = [
      ['s3.colour=red', /unknown setting of a store: s3\.colour \(use one of: gcs\..*s3\.storage-class, /],
      ['s3.storage-class', /needs a value: s3\.storage-class \(write s3\.storage-class=CLASS\)/],
      ['s3.storage-class=two words', /not a storage class: two words/],
      ['s3.server-side-encryption=aes', /unknown value: .*=aes \(write .*=AES256\|aws:kms\)/],
      ['s3.kms-key-id=key', /a KMS key needs serverSideEncryption aws:kms/],
      ['s3.tags=a=1&a=2', /not a list of tags: s3\.tags=a=1&a=2/],
      ['s3.object-lock=governance', /not a mode and a number of days: .*compliance:DAYS/],
      ['s3.object-lock=compliance:0', /whole number from 1 to 36500: 0/],
      ['s3.instance-metadata=yes', /unknown value: .*true\|false/],
      ['s3.customer-key-file=/nonexistent/key', /customer’s key cannot be read: \/nonexistent\/key/],
    ];
    const env = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
    for (const [setting, message] of cases) {
      const r = ['-r', 's3://bucket?endpoint=http://127.0.0.1:1'];
      assertOneLine(await tranship(['snapshots', ...r, '-o', setting], { env }), 2, message);
    }
  });
});
