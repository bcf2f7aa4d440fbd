/** The command line on a bucket of GCS: what a new user does, and what goes wrong on the way there. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { newGcsBucket } from '../support/gcs/gcs-bucket.ts';
import { gcsSuite } from '../support/gcs/gcs-suite.ts';
import { TokenServer } from '../support/gcs/token-server.ts';
import { deniedBelow, startRefusingProxy } from '../support/servers/refusing-proxy.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tranship } from '../support/tranship.ts';
import type { TranshipResult } from '../support/tranship.ts';

function assertOneLine(result: TranshipResult, code: number, message: RegExp): void {
  assert.match(result.stderr, message);
  assert.match(result.stderr, /^tranship: [^\n]*\n$/, 'more than one line');
  assert.equal(result.code, code);
}

gcsSuite('the command line over GCS', (server) => {
  it('moves a tree on an emulator, and with tokens of a service account', async (t) => {
    const tokens = await TokenServer.start(60_000);
    const bucket = await newGcsBucket(server());
    const proxy = await startRefusingProxy(server().endpoint, tokens.guard);
    t.after(async () => {
      await proxy.stop();
      tokens.stop();
    });
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'source'));
    writeFileSync(join(folder, 'source/file'), 'contents');
    const credentials = join(folder, 'credentials.json');
    writeFileSync(credentials, JSON.stringify(tokens.serviceAccount));
    const r = ['-r', bucket.location('east')];
    const guarded = ['-r', bucket.location('east', proxy.endpoint)];
    const { STORAGE_EMULATOR_HOST = '' } = bucket.env;
    const steps: readonly (readonly [readonly string[], Readonly<Record<string, string>>])[] = [
      [['init', ...r], {}],
      [['stage', ...guarded, '--credentials-file', credentials, join(folder, 'source'), '--as', '/v'], {}],
      [['restore', ...r, 'latest:/v', '--target', join(folder, 'target'), '--verify'], {}],
      [['check', '-r', `gs://${bucket.name}/east`, '--read-data'], { STORAGE_EMULATOR_HOST }],
      [['snapshots', '-r', bucket.resticLocation('east'), '--json'], { STORAGE_EMULATOR_HOST }],
      [['unlock', ...r], {}],
    ];
    for (const [args, env] of steps) {
      const { code, stderr } = await tranship(args, { env });
      assert.equal(code, 0, `${args[0]}: ${stderr}`);
      assert.equal(stderr, '', `${args[0]} said more than was asked`);
    }
  });

  it('says in one line what is wrong with a bucket, credentials or an endpoint', async (t) => {
    const bucket = await newGcsBucket(server());
    const location = bucket.location();
    const at = (text: string, ...more: readonly string[]) => tranship(['snapshots', '-r', text, ...more]);
    assertOneLine(await at(location), 10, /there is no repository/);
    assertOneLine(
      await tranship(['init', '-r', location.replace(bucket.name, 'never-made')]),
      1,
      /the bucket does not exist: gs:\/\/never-made.*\(create it/,
    );
    assertOneLine(
      await at(location, '--credentials-file', '/nonexistent/key.json'),
      1,
      /credentials file cannot be read \(ENOENT\): \/nonexistent\/key\.json/,
    );
    const cut = join(temporaryFolder(t), 'key.json');
    writeFileSync(cut, JSON.stringify({ type: 'service_account', client_email: 'a@b' }));
    assertOneLine(await at(location, '--credentials-file', cut), 1, /lacks private_key: .*key\.json/);
    assertOneLine(await at(`gs://${bucket.name}?endpoint=ftp://h`), 2, /must begin with http/);
    assertOneLine(
      await at(`gs://${bucket.name}?endpoint=http://gcs.example.invalid`),
      2,
      /plain HTTP.*--allow-http/,
    );
    const key = 'projects/p/locations/l/keyRings/r/cryptoKeys/k';
    // The emulator passes over the key.
    assertOneLine(
      await tranship(['init', '-r', location, '-o', `gcs.kms-key-name=${key}`]),
      1,
      /without encrypting it with the key: keys\//,
    );
    assert.deepEqual(await bucket.names(), []);
    assertOneLine(
      await at(location, '-o', 'gcs.kms-key-name=k'),
      2,
      /not the name of a key .*write projects/,
    );
    const nobody = { HOME: temporaryFolder(t), METADATA_SERVER_DETECTION: 'none' };
    assertOneLine(
      await tranship(['snapshots', '-r', `gs://${bucket.name}`], { env: nobody }),
      1,
      /no credentials were found.*GOOGLE_APPLICATION_CREDENTIALS/,
    );
  });

  it('a permission that is missing below one prefix is named with the object, and loses nothing', async (t) => {
    const bucket = await newGcsBucket(server());
    const source = join(temporaryFolder(t), 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'contents');
    assert.equal((await tranship(['init', '-r', bucket.location()])).code, 0);
    for (const prefix of ['index%2F', 'snapshots%2F']) {
      const proxy = await startRefusingProxy(server().endpoint, deniedBelow(`o/${prefix}`));
      t.after(() => proxy.stop());
      const through = bucket.location('', proxy.endpoint);
      await tranship(['stage', '-r', bucket.location(), source, '--as', '/v']);
      const result = await tranship(['check', '-r', through]);
      assert.notEqual(result.code, 0);
      assert.match(result.stderr, /refused access/);
    }
    assert.equal((await tranship(['check', '-r', bucket.location(), '--read-data'])).code, 0);
  });
});
