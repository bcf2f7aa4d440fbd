/** Where credentials come from, in which order, and that nobody is asked who was not to be. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { StoreError } from '../../../../src/base/errors.ts';
import { S3Driver } from '../../../../src/providers/objects/s3/driver.ts';
import { parseS3Location } from '../../../../src/providers/objects/s3/location.ts';
import type { S3Settings } from '../../../../src/providers/objects/settings.ts';
import { listening } from '../../../support/listening.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** The SDK reads the process's environment; it has only these until the test ends. */
function withEnvironment(t: TestContext, variables: Readonly<Record<string, string>>): void {
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  process.env = { PATH: before['PATH'], HOME: temporaryFolder(t), ...variables };
}

/** A store that notes which access key signed each request. */
async function signersOf(t: TestContext, settings: S3Settings, requests = 1): Promise<string[]> {
  const signers: string[] = [];
  const server = createServer((request, response) => {
    signers.push(/Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '');
    response.writeHead(200, { 'x-amz-request-id': '1', 'content-length': 0 }).end();
  });
  const endpoint = `http://127.0.0.1:${await listening(t, server)}`;
  const driver = new S3Driver(parseS3Location(`//bucket?endpoint=${endpoint}&region=r`), settings);
  t.after(() => driver.close());
  for (let request = 0; request < requests; request += 1) await driver.head('key', {});
  return signers;
}

async function refusal(t: TestContext, settings: S3Settings): Promise<StoreError> {
  try {
    await signersOf(t, settings);
  } catch (error) {
    assert.ok(error instanceof StoreError && error.code === 'unauthenticated', String(error));
    assert.ok(!error.message.includes('\n') && !error.message.includes('hunter2'));
    return error;
  }
  return assert.fail('credentials were found');
}

function file(t: TestContext, text: string): string {
  const path = join(temporaryFolder(t), 'credentials');
  writeFileSync(path, text);
  return path;
}

const inIni = (profile: string, id: string): string =>
  `[${profile}]\naws_access_key_id = ${id}\naws_secret_access_key = hunter2\n`;

async function service(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  return { url: `http://127.0.0.1:${await listening(t, server)}`, asked };
}

/** A machine's metadata service as Amazon's version 2 is: nothing without a token. */
function answerAsMachine({ method, url = '', headers }: IncomingMessage, response: ServerResponse): void {
  if (method === 'PUT' && url === '/latest/api/token') return void response.end('a-token');
  if (headers['x-aws-ec2-metadata-token'] !== 'a-token') return void response.writeHead(401).end();
  if (url.endsWith('/security-credentials/')) return void response.end('role');
  response.end(
    JSON.stringify({
      Code: 'Success',
      AccessKeyId: 'MACHINE',
      SecretAccessKey: 'hunter2',
      Token: 'session',
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    }),
  );
}

describe('credentials', () => {
  it('are the settings’, then the environment’s, then the file’s', async (t) => {
    const path = file(t, inIni('default', 'FILE') + inIni('other', 'PROFILE'));
    withEnvironment(t, {
      AWS_ACCESS_KEY_ID: 'ENVIRONMENT',
      AWS_SECRET_ACCESS_KEY: 'hunter2',
      AWS_SHARED_CREDENTIALS_FILE: path,
    });
    const credentials = { accessKeyId: 'SETTINGS', secretAccessKey: 'hunter2' };
    assert.deepEqual(await signersOf(t, { credentials }), ['SETTINGS']);
    assert.deepEqual(await signersOf(t, {}), ['ENVIRONMENT']);
    assert.deepEqual(await signersOf(t, { profile: 'other' }), ['PROFILE']);
    assert.deepEqual(await signersOf(t, { credentialsFile: path }), ['FILE']);
    delete process.env['AWS_ACCESS_KEY_ID'];
    assert.deepEqual(await signersOf(t, {}), ['FILE']);
    process.env['AWS_PROFILE'] = 'other';
    assert.deepEqual(await signersOf(t, {}), ['PROFILE']);
  });

  it('that lack a field are told by field, profile and file', async (t) => {
    withEnvironment(t, {});
    const half = file(
      t,
      '[default]\naws_access_key_id = hunter2\n[b]\naws_secret_access_key = hunter2\n[c]\nx = y\n',
    );
    const cases: readonly (readonly [S3Settings, RegExp])[] = [
      [{ credentialsFile: half }, /profile default has no aws_secret_access_key: .*credentials/],
      [{ credentialsFile: half, profile: 'b' }, /profile b has no aws_access_key_id: .*credentials/],
      [{ credentialsFile: half, profile: 'c' }, /profile c has no aws_access_key_id: .*credentials/],
      [{ credentialsFile: half, profile: 'd' }, /there is no profile d: .*credentials/],
      [{ credentialsFile: '/nonexistent/credentials' }, /cannot be read: \/nonexistent\/credentials/],
      [{}, /no credentials were found/],
    ];
    for (const [settings, message] of cases) assert.match((await refusal(t, settings)).message, message);
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = half;
    assert.match((await refusal(t, {})).message, /profile default has no aws_secret_access_key: AWS_SHARED/);
  });

  it('are not asked of a machine’s or a container’s service unless that is said', async (t) => {
    const machine = await service(t, answerAsMachine);
    withEnvironment(t, {
      AWS_EC2_METADATA_SERVICE_ENDPOINT: machine.url,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${machine.url}/container`,
    });
    await refusal(t, {});
    await refusal(t, { profile: 'none' });
    assert.deepEqual(machine.asked, []);
  });

  it('come from the machine’s service where that is said, by a token of version 2', async (t) => {
    const machine = await service(t, answerAsMachine);
    withEnvironment(t, { AWS_EC2_METADATA_SERVICE_ENDPOINT: machine.url });
    assert.deepEqual(await signersOf(t, { instanceMetadata: true }, 3), ['MACHINE', 'MACHINE', 'MACHINE']);
    assert.equal(machine.asked.length, 3);
    assert.equal(machine.asked[0], 'PUT /latest/api/token');
  });

  it('are not taken from a machine’s service of version 1', async (t) => {
    const machine = await service(t, ({ method, url = '' }, response) => {
      if (method === 'PUT') return void response.writeHead(405).end();
      response.end(url.endsWith('/') ? 'role' : '{}');
    });
    withEnvironment(t, { AWS_EC2_METADATA_SERVICE_ENDPOINT: machine.url });
    await refusal(t, { instanceMetadata: true });
    assert.deepEqual(machine.asked, ['PUT /latest/api/token']);
  });

  it('come from the container’s service where that is said, with the token of its file', async (t) => {
    const tokens: (string | undefined)[] = [];
    const container = await service(t, ({ headers }, response) => {
      tokens.push(headers.authorization);
      const Expiration = new Date(Date.now() + 3_600_000).toISOString();
      const found = { AccessKeyId: 'CONTAINER', SecretAccessKey: 'hunter2', Token: 't', Expiration };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found));
    });
    withEnvironment(t, {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.url}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file(t, 'pod-token'),
    });
    assert.deepEqual(await signersOf(t, { instanceMetadata: true }), ['CONTAINER']);
    assert.deepEqual(tokens, ['pod-token']);
    assert.deepEqual(container.asked, ['GET /v1/credentials']);
  });
});
