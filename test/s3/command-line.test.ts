/** The command line on a bucket: what a new user does, and what goes wrong on the way there. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { peerSuite } from '../support/peers.ts';
import { deniedBelow, startRefusingProxy } from '../support/s3/refusing-proxy.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tranship } from '../support/tranship.ts';
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
    const server = await startVersitygw(versitygw);
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
      await tranship(['snapshots', '-r', location, '--profile', 'none']),
      1,
      /no credentials were found.*AWS_ACCESS_KEY_ID/,
    );
    assertOneLine(
      await run(['snapshots', '-r', location], { NODE_OPTIONS: `--import=${clock}` }),
      1,
      /clock differs too much.*set the clock/,
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
});
