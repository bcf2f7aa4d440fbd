import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { DiskError, UsageError } from '../../../../src/base/errors.ts';
import type { ErrorCode } from '../../../../src/base/errors.ts';
import { EbsDriver } from '../../../../src/providers/disks/ebs/driver.ts';
import { openDisks } from '../../../../src/providers/disks/open.ts';
import type { AwsDiskSettings } from '../../../../src/providers/disks/settings.ts';
import { cutAnswer } from '../../../support/disks/cut-answer.ts';
import { Ec2Double } from '../../../support/disks/ec2-double.ts';
import { freePort } from '../../../support/servers/free-port.ts';
import { listening } from '../../../support/listening.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const credentials = { accessKeyId: 'AKIATRANSHIP', secretAccessKey: 'secret' };
const order = { diskId: 'vol-0123456789abcdef0', operationId: 'shop-data-1', tags: {} };

async function driverOf(t: TestContext, endpoint: string, settings: AwsDiskSettings = {}) {
  const all = { credentials, endpoint, kmsEndpoint: endpoint, stsEndpoint: endpoint, ...settings };
  const driver = await EbsDriver.open({ region: 'eu-central-1', settings: all });
  t.after(() => driver.close());
  return driver;
}

/** A driver whose every request is answered so. */
async function answered(
  t: TestContext,
  answer: (response: ServerResponse, request: IncomingMessage) => void,
  settings: AwsDiskSettings = {},
) {
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(response, request));
  });
  return driverOf(t, `http://127.0.0.1:${await listening(t, server)}`, settings);
}

function refusal(code: string, message: string): string {
  const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return `<?xml version="1.0"?><Response><Errors>${error}</Errors><RequestID>1</RequestID></Response>`;
}

interface Expected {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly words: RegExp;
}

const refusals: readonly (readonly [status: number, name: string, expected: Expected])[] = [
  [
    403,
    'UnauthorizedOperation',
    { code: 'permission-denied', retryable: false, words: /ec2:CreateSnapshot/ },
  ],
  [401, 'AuthFailure', { code: 'unauthenticated', retryable: false, words: /access key/ }],
  [400, 'ExpiredToken', { code: 'unauthenticated', retryable: false, words: /renew/ }],
  [400, 'RequestExpired', { code: 'unauthenticated', retryable: false, words: /clock/ }],
  [401, 'OptInRequired', { code: 'permission-denied', retryable: false, words: /enable the region/ }],
  [503, 'RequestLimitExceeded', { code: 'throttled', retryable: true, words: /slow down/ }],
  [400, 'SnapshotCreationPerVolumeRateExceeded', { code: 'throttled', retryable: true, words: /15 s/ }],
  [400, 'SnapshotLimitExceeded', { code: 'quota-exceeded', retryable: false, words: /Service Quotas/ }],
  [400, 'ConcurrentSnapshotLimitExceeded', { code: 'quota-exceeded', retryable: true, words: /wait until/ }],
  [400, 'ResourceLimitExceeded', { code: 'quota-exceeded', retryable: false, words: /quota/ }],
  [400, 'InvalidVolume.NotFound', { code: 'not-found', retryable: false, words: /no such volume/ }],
  [400, 'InvalidPermission.NotFound', { code: 'not-found', retryable: false, words: /InvalidPermission/ }],
  [400, 'IncorrectState', { code: 'conflict', retryable: true, words: /told so/ }],
  [400, 'InvalidParameterValue', { code: 'invalid-argument', retryable: false, words: /told so/ }],
  [400, 'UnsupportedOperation', { code: 'unsupported', retryable: false, words: /told so/ }],
  [500, 'InternalError', { code: 'unavailable', retryable: true, words: /failed/ }],
  [503, 'Unavailable', { code: 'unavailable', retryable: true, words: /failed/ }],
  [500, 'SomethingNew', { code: 'unavailable', retryable: true, words: /500 SomethingNew/ }],
  [429, 'SomethingNew', { code: 'throttled', retryable: true, words: /slow down/ }],
];

for (const [status, name, { code, retryable, words }] of refusals) {
  it(`${status} ${name} is ${code}`, async (t) => {
    let requests = 0;
    const driver = await answered(t, (response) => {
      requests += 1;
      response.writeHead(status, { 'content-type': 'text/xml', 'retry-after': '7' });
      response.end(refusal(name, 'told so'));
    });
    await assert.rejects(driver.createSnapshot(order, {}), (error: unknown) => {
      assert.ok(error instanceof DiskError, String(error));
      assert.equal(error.code, code);
      assert.equal(error.retryable, retryable);
      assert.match(error.message, words);
      assert.equal(error.action, 'ec2:CreateSnapshot');
      assert.equal(error.where, order.diskId);
      assert.equal(error.retryAfterMs, 7000);
      return true;
    });
    // A second try of the SDK's own could make a second snapshot.
    assert.equal(requests, 1);
  });
}

it('names the action that Amazon names, where that is another one than the call', async (t) => {
  const message =
    'You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/u is not authorized ' +
    'to perform: ec2:CreateTags on resource: arn:aws:ec2:eu-central-1::snapshot/* because no identity-based policy ' +
    'allows the ec2:CreateTags action. Encoded authorization failure message: AAAA';
  const driver = await answered(t, (response) => {
    response.writeHead(403, { 'content-type': 'text/xml' });
    response.end(refusal('UnauthorizedOperation', message));
  });
  await assert.rejects(driver.createSnapshot(order, {}), (error: unknown) => {
    assert.ok(error instanceof DiskError);
    assert.equal(error.action, 'ec2:CreateTags');
    assert.match(error.message, /not allowed: ec2:CreateTags.*allow ec2:CreateTags/);
    assert.doesNotMatch(error.message, /AAAA/);
    return true;
  });
});

const broken: readonly (readonly [string, (response: ServerResponse) => void, ErrorCode, RegExp])[] = [
  ['an answer that does not come', (response) => response.destroy(), 'unavailable', /connection broke/],
  [
    'an answer that nobody can read',
    (response) => response.writeHead(200, { 'content-type': 'text/xml' }).end('<CreateSnap'),
    'unavailable',
    /cannot be read/,
  ],
  [
    'a web page',
    (response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>no</html>'),
    'unsupported',
    /web page/,
  ],
  [
    'a web page that says of success',
    (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>hello</html>'),
    'unavailable',
    /no id of the snapshot/,
  ],
  [
    'an answer that is not HTTP',
    (response) => response.socket?.end('what?\r\n\r\n'),
    'unavailable',
    /answer cannot be read.*http:\/\/ or https/,
  ],
  [
    'an answer that breaks in the middle',
    (response) => cutAnswer(response.writeHead(200, { 'content-type': 'text/xml' }), '<CreateSnapshot'),
    'unavailable',
    /connection broke|cannot be read/,
  ],
];
for (const [what, answer, code, words] of broken) {
  it(`${what} is ${code}`, async (t) => {
    const driver = await answered(t, answer);
    await assert.rejects(driver.createSnapshot(order, {}), (error: unknown) => {
      assert.ok(error instanceof DiskError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, words);
      assert.equal(error.retryable, code === 'unavailable');
      return true;
    });
  });
}

it('leaves a server that falls silent after the idle limit, and one that is waited for when told to', async (t) => {
  const silent = await answered(t, () => undefined, { idleTimeoutMs: 50 });
  await assert.rejects(silent.createSnapshot(order, {}), (error: unknown) => {
    assert.ok(error instanceof DiskError);
    assert.equal(error.code, 'timeout');
    assert.equal(error.retryable, true);
    return true;
  });
  const patient = await answered(t, () => cancel.abort());
  const cancel = new AbortController();
  await assert.rejects(patient.createSnapshot(order, { signal: cancel.signal }), { code: 'cancelled' });
});

it('where nothing listens, it says so', async (t) => {
  const driver = await driverOf(t, `http://127.0.0.1:${await freePort()}`);
  await assert.rejects(driver.describeSnapshot('snap-0', {}), { code: 'unavailable', retryable: true });
});

it('takes no region that is none, no endpoint that is none, and plain HTTP over no network', async (t) => {
  await assert.rejects(openDisks('aws', { region: 'eu central' }), UsageError);
  const region = 'eu-central-1';
  const bad = await openDisks('aws', { region, settings: { aws: { credentials, endpoint: 'ftp://host' } } });
  t.after(() => bad.close());
  await assert.rejects(bad.describeDisk('vol-0', {}), { code: 'invalid-argument' });
  const open = { credentials, endpoint: 'http://ec2.example' };
  const plain = await openDisks('aws', { region, settings: { aws: open } });
  t.after(() => plain.close());
  await assert.rejects(plain.describeDisk('vol-0', {}), { code: 'invalid-argument', message: /plain HTTP/ });
});

it('takes new credentials of the file where those that were good have expired', async (t) => {
  const credentialsFile = join(temporaryFolder(t), 'credentials');
  const rotate = (name: string) =>
    writeFileSync(
      credentialsFile,
      `[default]\naws_access_key_id = ${name}\naws_secret_access_key = s\naws_session_token = t\n`,
    );
  rotate('AKIAOLD');
  let isExpired = false;
  const used: (string | undefined)[] = [];
  const driver = await answered(
    t,
    (response, request) => {
      const keyId = /Credential=(\w+)\//.exec(request.headers.authorization ?? '')?.[1];
      used.push(keyId);
      const isRefused = isExpired && keyId === 'AKIAOLD';
      response.writeHead(isRefused ? 400 : 200, { 'content-type': 'text/xml' });
      response.end(isRefused ? refusal('ExpiredToken', 'told so') : '<DescribeSnapshotsResponse/>');
    },
    { credentials: undefined, credentialsFile, profile: 'default' },
  );
  assert.equal(await driver.describeSnapshot('snap-0', {}), undefined);
  isExpired = true;
  rotate('AKIANEW');
  await assert.rejects(driver.describeSnapshot('snap-0', {}), { code: 'unauthenticated', retryable: true });
  assert.equal(await driver.describeSnapshot('snap-0', {}), undefined);
  assert.deepEqual(used, ['AKIAOLD', 'AKIAOLD', 'AKIANEW']);
});

it('says which credentials are missing or wrong', async (t) => {
  const cloud = await Ec2Double.start();
  t.after(() => cloud.stop());
  const wrong = await driverOf(t, cloud.endpoint, {
    credentials: { ...credentials, accessKeyId: 'AKIAOTHER' },
  });
  await assert.rejects(wrong.describeSnapshot('snap-0', {}), {
    code: 'unauthenticated',
    message: /access key/,
  });
  const absent = await driverOf(t, cloud.endpoint, { credentials: undefined, credentialsFile: '/nowhere' });
  await assert.rejects(absent.describeSnapshot('snap-0', {}), (error: unknown) => {
    assert.ok(error instanceof DiskError, String(error));
    assert.equal(error.code, 'unauthenticated');
    assert.match(error.message, /credentials file cannot be read/);
    return true;
  });
});
