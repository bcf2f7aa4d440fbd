/** Who requests come from: tokens of every kind, and what becomes of them when something goes wrong. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { CancelledError, StoreError } from '../../../../src/base/errors.ts';
import { GcsDriver } from '../../../../src/providers/objects/gcs/driver.ts';
import { openDriver } from '../../../../src/providers/objects/open.ts';
import { createIdentity } from '../../../../src/providers/google/identity.ts';
import type { GcsSettings } from '../../../../src/providers/objects/settings.ts';
import { startConnectProxy } from '../../../support/connect-proxy.ts';
import { newGcsBucket } from '../../../support/gcs/gcs-bucket.ts';
import { gcsSuite } from '../../../support/gcs/gcs-suite.ts';
import { TokenServer } from '../../../support/gcs/token-server.ts';
import { startRefusingProxy } from '../../../support/servers/refusing-proxy.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { Authority } from '../../../support/tls/certificates.ts';
import { listening } from '../../../support/listening.ts';
import { startTlsFront } from '../../../support/tls/tls-front.ts';

const lifeMs = 5000;
const anywhere = { kind: 'gcs', bucket: 'bucket', prefix: '', userProject: undefined } as const;

let tokens: TokenServer;
before(async () => {
  tokens = await TokenServer.start(lifeMs);
});
after(() => tokens.stop());

const environment = { ...process.env };
afterEach(() => {
  process.env = { ...environment };
});

function fileWith(t: TestContext, content: unknown): string {
  const path = join(temporaryFolder(t), 'credentials.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

async function errorOf(work: Promise<unknown>): Promise<StoreError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof StoreError, String(error));
    assert.ok(!/\n|BEGIN|another-provider|ya29/.test(error.message), error.message);
    return error;
  }
  return assert.fail('nothing was thrown');
}

/** What the settings lead to when a request is made, without a server that could take one. */
async function errorWith(settings: GcsSettings): Promise<StoreError> {
  const driver = new GcsDriver({ ...anywhere, endpoint: 'http://127.0.0.1:1' }, settings);
  try {
    return await errorOf(driver.head('key', {}));
  } finally {
    await driver.close();
  }
}

/** Notes every request and answers none of them well. */
async function listener(t: TestContext, status = 500, location = ''): Promise<[string, IncomingMessage[]]> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    request.resume();
    request.on('end', () => response.writeHead(status, location === '' ? {} : { location }).end());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return [`http://127.0.0.1:${address.port}`, seen];
}

/** What leads to the hosts of any universe, all of which are this listener. */
async function everyHost(t: TestContext): Promise<{
  readonly settings: GcsSettings;
  readonly seen: IncomingMessage[];
  readonly asked: readonly { readonly line: string }[];
}> {
  const authority = new Authority(temporaryFolder(t));
  const [endpoint, seen] = await listener(t);
  const certificate = authority.issue({ names: 'DNS:storage.cloud.example' });
  const { port, asked } = await startConnectProxy(t, await startTlsFront(t, endpoint, certificate));
  const settings = {
    caCertificates: authority.certificate,
    proxy: { https: `http://127.0.0.1:${port}` },
  };
  return { settings, seen, asked };
}

/** This machine is one of a cloud, which gives out tokens and says of what universe it is. */
async function machineOf(t: TestContext, answerUniverse: (response: ServerResponse) => void): Promise<void> {
  const server = createServer(({ url = '' }, response) => {
    response.setHeader('metadata-flavor', 'Google');
    const { pathname } = new URL(url, 'http://127.0.0.1');
    if (pathname.endsWith('/universe/universe-domain')) return answerUniverse(response);
    if (!pathname.endsWith('/token')) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ access_token: 'ya29.machine', expires_in: 3600, token_type: 'Bearer' }));
  });
  const port = await listening(t, server);
  setEnvironment({
    GOOGLE_APPLICATION_CREDENTIALS: undefined,
    HOME: temporaryFolder(t),
    METADATA_SERVER_DETECTION: 'assume-present',
    // Else gcloud is run to tell it.
    GOOGLE_CLOUD_PROJECT: 'project',
    GCE_METADATA_HOST: `127.0.0.1:${port}`,
  });
}

/** Until the test ends; what is undefined is not there. */
function setEnvironment(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

const saysUniverse = (domain: string) => (response: ServerResponse) =>
  void response.writeHead(200).end(domain);
const saysNoUniverse = (response: ServerResponse): void => void response.writeHead(404).end();

gcsSuite('GCS credentials', (server) => {
  async function guarded(t: TestContext, settings: GcsSettings): Promise<GcsDriver> {
    const bucket = await newGcsBucket(server());
    const proxy = await startRefusingProxy(server().endpoint, tokens.guard);
    const driver = bucket.driver(settings, proxy.endpoint);
    t.after(async () => {
      await driver.close();
      await proxy.stop();
    });
    return driver;
  }

  it('a service account’s tokens are got and renewed while requests go on', async (t) => {
    const driver = await guarded(t, { credentialsFile: fileWith(t, tokens.serviceAccount) });
    const issued = tokens.issued;
    const endMs = Date.now() + 1.5 * lifeMs;
    for (let count = 0; Date.now() < endMs; count += 1) {
      await driver.put('key', Buffer.from(`version ${count}`), {});
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(tokens.issued > issued + 1, 'the token was never renewed');
  });

  it('workload identity federation exchanges the token that stands in its file at that moment', async (t) => {
    const tokenFile = join(temporaryFolder(t), 'token');
    writeFileSync(tokenFile, JSON.stringify({ access_token: 'an-old-one' }));
    const driver = await guarded(t, { credentialsFile: fileWith(t, tokens.externalAccount(tokenFile)) });
    const refused = await errorOf(driver.head('key', {}));
    assert.match(refused.message, /subject token is not valid/);
    writeFileSync(tokenFile, JSON.stringify({ access_token: tokens.subjectToken }));
    await driver.put('key', Buffer.from('x'), {});
    assert.equal((await driver.head('key', {})).sizeBytes, 1);
  });

  it('an access token is taken as it is, and a wrong one is told', async (t) => {
    const driver = await guarded(t, { accessToken: 'ya29.never-issued' });
    const error = await errorOf(driver.head('key', {}));
    assert.deepEqual([error.code, error.retryable], ['unauthenticated', false]);
    assert.match(error.message, /renew the access token/);
  });

  it('what is revoked while a pass runs is got anew, once', async (t) => {
    const driver = await guarded(t, { credentialsFile: fileWith(t, tokens.serviceAccount) });
    await driver.put('key', Buffer.from('x'), {});
    tokens.answerWith = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ access_token: 'ya29.revoked', expires_in: 3600 }));
    };
    const refused = await errorOf(driver.head('key', {}));
    tokens.answerWith = undefined;
    assert.deepEqual([refused.code, refused.retryable], ['unauthenticated', true]);
    assert.equal((await driver.head('key', {})).sizeBytes, 1);
  });
});

describe('credentials of GCS', () => {
  const cases: readonly (readonly [string, (file: Record<string, unknown>) => unknown, RegExp])[] = [
    ['no JSON', () => '{"private_key": "-----BEGIN', /holds no JSON object/],
    ['a list', () => [], /lacks type/],
    ['without private_key', (file) => ({ ...file, private_key: undefined }), /lacks private_key/],
    ['without client_email', (file) => ({ ...file, client_email: undefined }), /lacks client_email/],
    ['without token_uri', (file) => ({ ...file, token_uri: undefined }), /lacks token_uri/],
    ['without type', (file) => ({ ...file, type: undefined }), /lacks type/],
    [
      'of another type',
      (file) => ({ ...file, type: 'gdch_service_account' }),
      /GOOGLE_APPLICATION_CREDENTIALS/,
    ],
    [
      'with a token_uri that is none',
      (file) => ({ ...file, token_uri: 'token' }),
      /token_uri that is no URL/,
    ],
    [
      'with half a private key',
      (file) => ({ ...file, private_key: String(file['private_key']).slice(0, 800) }),
      /private_key that is no whole private key/,
    ],
    [
      'of an external account without its source',
      () => ({ ...tokens.externalAccount('x'), credential_source: {} }),
      /credential_source that is neither a file nor a url/,
    ],
  ];
  for (const [name, change, message] of cases) {
    it(`a file ${name} is refused with the file’s and the field’s name`, async (t) => {
      const path = fileWith(t, change({ ...tokens.serviceAccount }));
      const error = await errorWith({ credentialsFile: path });
      assert.deepEqual([error.code, error.retryable], ['unauthenticated', false]);
      assert.match(error.message, message);
      assert.ok(error.message.includes(path));
    });
  }

  it('a missing file is told', async () => {
    const error = await errorWith({ credentialsFile: '/nonexistent/key.json' });
    assert.match(error.message, /cannot be read \(ENOENT\): \/nonexistent\/key\.json/);
  });

  it('of an account that is gone, or from a clock that is off, are told apart', async (t) => {
    const other = { ...tokens.serviceAccount, client_email: 'gone@test.iam.gserviceaccount.com' };
    const gone = await errorWith({ credentialsFile: fileWith(t, other) });
    assert.match(gone.message, /account not found.*still exists/);
    tokens.clockOffsetMs = 600_000;
    const late = await errorWith({ credentialsFile: fileWith(t, tokens.serviceAccount) });
    tokens.clockOffsetMs = 0;
    assert.match(late.message, /clock differs.*set the clock/);
  });

  it('a token server that is down or silent is tried again, and does not hold a request for ever', async (t) => {
    const file = { ...tokens.serviceAccount, token_uri: 'http://127.0.0.1:1/token' };
    const down = await errorWith({ credentialsFile: fileWith(t, file) });
    assert.deepEqual([down.code, down.retryable], ['unavailable', true], down.message);
    for (const kind of [tokens.serviceAccount, tokens.externalAccount(fileWith(t, { access_token: 'x' }))]) {
      const settings = { credentialsFile: fileWith(t, kind), idleTimeoutMs: 300 };
      const driver = new GcsDriver({ ...anywhere, endpoint: 'http://127.0.0.1:1' }, settings);
      tokens.answerWith = () => {};
      const silent = await errorOf(driver.head('key', {}));
      tokens.answerWith = (response) => void response.writeHead(418).end();
      assert.deepEqual([silent.code, silent.retryable], ['timeout', true], silent.message);
      assert.match((await errorOf(driver.head('key', {}))).message, /refused the credentials \(418\)/);
      await driver.close();
      tokens.answerWith = undefined;
    }
    for (const status of [500, 503, 429]) {
      tokens.answerWith = (response) => void response.writeHead(status).end();
      const busy = await errorWith({ credentialsFile: fileWith(t, tokens.serviceAccount) });
      tokens.answerWith = undefined;
      assert.deepEqual([busy.code, busy.retryable], ['unavailable', true], busy.message);
    }
  });

  it('a caller who leaves while a token comes does not have it fetched once more for the others', async (t) => {
    const [endpoint, seen] = await listener(t);
    const driver = new GcsDriver(
      { ...anywhere, endpoint },
      { credentialsFile: fileWith(t, tokens.serviceAccount) },
    );
    t.after(() => driver.close());
    const held: ServerResponse[] = [];
    const asked = Promise.withResolvers<void>();
    tokens.answerWith = (response) => {
      held.push(response);
      asked.resolve();
    };
    const leaving = new AbortController();
    const left = assert.rejects(driver.head('key', { signal: leaving.signal }), CancelledError);
    await asked.promise;
    leaving.abort();
    await left;
    const staying = errorOf(driver.head('key', {}));
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const response of held) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ access_token: 'ya29.late', expires_in: 3600, token_type: 'Bearer' }));
    }
    await staying;
    tokens.answerWith = undefined;
    assert.equal(held.length, 1, 'another token was asked for');
    assert.deepEqual(
      seen.map(({ headers }) => headers.authorization),
      ['Bearer ya29.late'],
    );
  });

  it('a token of the environment is for Google’s hosts, one of the settings for any', async (t) => {
    const [endpoint, seen] = await listener(t);
    for (const settings of [{ googleAccessToken: 'ya29.1' }, { accessToken: 'ya29.2' }]) {
      const driver = new GcsDriver({ ...anywhere, endpoint }, settings);
      t.after(() => driver.close());
      await errorOf(driver.head('key', {}));
    }
    assert.deepEqual(
      seen.map(({ headers }) => headers.authorization),
      [undefined, 'Bearer ya29.2'],
    );
    const identity = await createIdentity(
      { googleAccessToken: 'ya29.1' },
      { isInUniverse: true, timeoutMs: 1, scopes: [] },
    );
    assert.deepEqual(await identity.headers(), { authorization: 'Bearer ya29.1' });
  });

  it('of a universe of its own are signed by the account, and shown to that universe’s store alone', async (t) => {
    const { settings, seen, asked } = await everyHost(t);
    const issued = tokens.issued;
    const account = { ...tokens.serviceAccount, universe_domain: 'cloud.example' };
    const driver = new GcsDriver(
      { ...anywhere, endpoint: undefined },
      {
        universeDomain: 'cloud.example',
        credentialsText: JSON.stringify(account),
        ...settings,
      },
    );
    t.after(() => driver.close());
    await errorOf(driver.head('key', {}));
    assert.deepEqual(
      asked.map(({ line }) => line),
      ['CONNECT storage.cloud.example:443'],
    );
    const [, claims = ''] = (seen[0]?.headers.authorization ?? '').split('.');
    const said: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString());
    assert.ok(typeof said === 'object' && said !== null && 'iss' in said && 'scope' in said);
    assert.deepEqual(
      [said.iss, said.scope],
      [account.client_email, 'https://www.googleapis.com/auth/devstorage.read_write'],
    );
    assert.equal(tokens.issued, issued, 'a token was asked for elsewhere');
  });

  it('of one universe are not shown to another', async (t) => {
    const foreign = { ...tokens.serviceAccount, universe_domain: 'cloud.example' };
    const away = await errorWith({ credentialsFile: fileWith(t, foreign) });
    assert.match(away.message, /are of cloud\.example, and the store of googleapis\.com: .*universe-domain/);
    const home = await errorWith({
      credentialsFile: fileWith(t, tokens.serviceAccount),
      universeDomain: 'cloud.example',
    });
    assert.match(home.message, /are of googleapis\.com, and the store of cloud\.example/);
  });

  it('of Google, in the environment or of its machine, reach no universe that a description names', async (t) => {
    const description = join(temporaryFolder(t), 'store.yaml');
    writeFileSync(
      description,
      `kind: BackupStorageLocation
spec: { provider: gcp, objectStorage: { bucket: bucket }, config: { universeDomain: cloud.example } }
`,
    );
    const { settings, seen } = await everyHost(t);
    await machineOf(t, saysNoUniverse);
    for (const token of [{ googleAccessToken: 'ya29.environment' }, {}]) {
      const gcs = { ...settings, ...token };
      const driver = await openDriver(`velero:${description}`, { settings: { gcs } });
      t.after(() => driver.close());
      const error = await errorOf(driver.head('key', {}));
      assert.match(error.message, /are of googleapis\.com, and the store of cloud\.example/);
    }
    assert.deepEqual(
      seen.flatMap(({ headers }) => headers.authorization ?? []),
      [],
    );
  });

  it('of a machine reach the universe that it is of, and that one alone', async (t) => {
    const google = { isInUniverse: true, timeoutMs: 10_000, scopes: [] };
    await machineOf(t, saysNoUniverse);
    const ofGoogle = await createIdentity({}, google);
    t.after(() => ofGoogle.close());
    assert.deepEqual(await ofGoogle.headers(), { authorization: 'Bearer ya29.machine' });
    await machineOf(t, saysUniverse('cloud.example'));
    const { settings, seen } = await everyHost(t);
    const inside = new GcsDriver(
      { ...anywhere, endpoint: undefined },
      { universeDomain: 'cloud.example', ...settings },
    );
    t.after(() => inside.close());
    await errorOf(inside.head('key', {}));
    assert.deepEqual(
      seen.map(({ headers }) => headers.authorization),
      ['Bearer ya29.machine'],
    );
    const outside = await createIdentity({}, google);
    t.after(() => outside.close());
    const error = await errorOf(outside.headers());
    assert.match(error.message, /are of cloud\.example, and the store of googleapis\.com/);
  });

  it('of a machine whose universe is not told are not waited for without end', async (t) => {
    await machineOf(t, () => {});
    const identity = await createIdentity({}, { isInUniverse: true, timeoutMs: 50, scopes: [] });
    t.after(() => identity.close());
    const error = await errorOf(identity.headers());
    assert.deepEqual([error.code, error.retryable], ['timeout', true], error.message);
  });

  it('of a user of another universe are not sent to Google for a token', async (t) => {
    const user = {
      type: 'authorized_user',
      client_id: 'id',
      client_secret: 'hush',
      refresh_token: 'hush',
      universe_domain: 'cloud.example',
    };
    const { settings, asked } = await everyHost(t);
    const file = fileWith(t, user);
    setEnvironment({ GOOGLE_APPLICATION_CREDENTIALS: file, GOOGLE_CLOUD_PROJECT: 'project' });
    for (const named of [{ credentialsFile: file }, {}]) {
      const driver = new GcsDriver(
        { ...anywhere, endpoint: undefined },
        { universeDomain: 'cloud.example', ...settings, ...named },
      );
      t.after(() => driver.close());
      const error = await errorOf(driver.head('key', {}));
      assert.match(error.message, /are of a user of cloud\.example/);
    }
    assert.deepEqual(asked, [], 'something was sent');
  });

  it('are not carried to where a redirect leads, neither a token nor what it is got with', async (t) => {
    const [other, seen] = await listener(t);
    const [redirecting] = await listener(t, 307, other);
    const file = fileWith(t, { ...tokens.serviceAccount, token_uri: `${redirecting}/token` });
    const error = await errorWith({ credentialsFile: file });
    assert.equal(error.retryable, false, error.message);
    const driver = new GcsDriver({ ...anywhere, endpoint: redirecting }, { accessToken: 'ya29.1' });
    t.after(() => driver.close());
    for (const work of [() => driver.head('key', {}), () => driver.put('key', Buffer.from('x'), {})]) {
      assert.match(
        (await errorOf(work())).message,
        /redirect to 127\.0\.0\.1:\d+ \(307\), which is not followed/,
      );
    }
    assert.deepEqual(seen, []);
  });

  it('that stand in the environment are not sent to an emulator', async (t) => {
    setEnvironment({ GOOGLE_APPLICATION_CREDENTIALS: fileWith(t, tokens.serviceAccount) });
    const [endpoint, seen] = await listener(t);
    const driver = new GcsDriver({ ...anywhere, endpoint });
    t.after(() => driver.close());
    await errorOf(driver.head('key', {}));
    assert.deepEqual(
      seen.map(({ headers }) => headers.authorization),
      [undefined],
    );
  });

  it('a default file that is broken, and none at all, are told without a word of what it holds', async (t) => {
    const google = { ...anywhere, endpoint: undefined };
    const defaultError = async (): Promise<StoreError> => {
      const driver = new GcsDriver(google);
      const error = await errorOf(driver.head('key', {}));
      await driver.close();
      assert.deepEqual([error.code, error.retryable], ['unauthenticated', false], error.message);
      return error;
    };
    const home = temporaryFolder(t);
    mkdirSync(join(home, '.config'));
    setEnvironment({ HOME: home, METADATA_SERVER_DETECTION: 'none' });
    const setFile = (path: string | undefined): void => {
      setEnvironment({ GOOGLE_APPLICATION_CREDENTIALS: path });
    };
    setFile(fileWith(t, '{"private_key": "-----BEGIN hunter2'));
    assert.match((await defaultError()).message, /is no JSON/);
    const foreign = { ...tokens.serviceAccount, universe_domain: 'cloud.example' };
    setFile(fileWith(t, foreign));
    assert.match((await defaultError()).message, /are of cloud\.example, and the store of googleapis\.com/);
    setFile('/nonexistent/key.json');
    assert.match((await defaultError()).message, /GOOGLE_APPLICATION_CREDENTIALS.*\/nonexistent\/key\.json/);
    setFile(undefined);
    assert.match((await defaultError()).message, /no credentials were found.*gcloud auth/);
  });
});
