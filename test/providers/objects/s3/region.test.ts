/** Where a bucket turns out to be, and how its name travels. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { StoreError } from '../../../../src/base/errors.ts';
import { createClient } from '../../../../src/providers/objects/s3/client.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import { ConnectionWarnings } from '../../../../src/providers/objects/connection-warnings.ts';
import { S3Driver } from '../../../../src/providers/objects/s3/driver.ts';
import { parseS3Location } from '../../../../src/providers/objects/s3/location.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';
import { startConnectProxy } from '../../../support/connect-proxy.ts';
import { listening } from '../../../support/listening.ts';
import { peerSuite } from '../../../support/peers.ts';
import { newBucket } from '../../../support/s3/s3-bucket.ts';
import { startVersitygw } from '../../../support/s3/versitygw-server.ts';

const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };

/** The region that a request was signed for. */
function regionOf(request: IncomingMessage): string | undefined {
  return /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1];
}

async function driverOn(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<S3Driver> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => answer(request, response));
  });
  const endpoint = `http://127.0.0.1:${await listening(t, server)}`;
  const driver = new S3Driver(parseS3Location(`//bucket?endpoint=${endpoint}`), { credentials });
  t.after(() => driver.close());
  return driver;
}

describe('a bucket in another region than was said', () => {
  it('is found by the redirect, once for all requests', async (t) => {
    const regions: (string | undefined)[] = [];
    const driver = await driverOn(t, (request, response) => {
      regions.push(regionOf(request));
      const isRight = regionOf(request) === 'eu-west-3';
      const headers = { 'x-amz-request-id': '1', 'x-amz-bucket-region': 'eu-west-3', 'content-length': 0 };
      response.writeHead(isRight ? 200 : 301, headers).end();
    });
    await Promise.all([driver.head('a', {}), driver.head('b', {}), driver.head('c', {})]);
    await driver.head('d', {});
    const count = (region: string): number => regions.filter((name) => name === region).length;
    assert.equal(count('eu-west-3'), 4);
    assert.ok(count('us-east-1') >= 1 && count('us-east-1') <= 3);
  });

  it('is an error where each answer sends on to another one', async (t) => {
    let requests = 0;
    const driver = await driverOn(t, (_request, response) => {
      requests += 1;
      response.writeHead(301, { 'x-amz-request-id': '1', 'x-amz-bucket-region': `region-${requests}` }).end();
    });
    await assert.rejects(
      driver.head('key', {}),
      (error) =>
        error instanceof StoreError && /its region is region-2/.test(error.message) && !error.retryable,
    );
    assert.equal(requests, 2);
  });
});

describe('a bucket in another region than an endpoint of Amazon’s', () => {
  /** All of Amazon's hosts, with a bucket in eu-west-3; what is asked for elsewhere is sent there. */
  async function amazon(t: TestContext, endpoint: string | undefined) {
    const hosts: string[] = [];
    const server = createServer((request, response) => {
      request.resume();
      const host = request.headers.host ?? '';
      hosts.push(host);
      const isRight = host.includes('eu-west-3') && regionOf(request) === 'eu-west-3';
      const headers = { 'x-amz-request-id': '1', 'x-amz-bucket-region': 'eu-west-3', 'content-length': 0 };
      response.writeHead(isRight ? 200 : 301, headers).end();
    });
    const proxy = await startConnectProxy(t, await listening(t, server));
    const location = { ...parseS3Location('//bucket?region=us-east-1'), endpoint };
    const settings = {
      credentials,
      allowHttp: true,
      proxy: { http: `http://127.0.0.1:${proxy.port}` },
    };
    const driver = new S3Driver(location, settings);
    t.after(() => driver.close());
    return { driver, hosts };
  }

  const ordinary: readonly (readonly [string, string])[] = [
    ['http://s3.us-east-1.amazonaws.com', 's3.eu-west-3.amazonaws.com'],
    ['http://s3-us-east-1.amazonaws.com', 's3.eu-west-3.amazonaws.com'],
    ['http://s3.amazonaws.com', 's3.eu-west-3.amazonaws.com'],
    ['http://s3.dualstack.us-east-1.amazonaws.com', 's3.dualstack.eu-west-3.amazonaws.com'],
  ];
  for (const [endpoint, host] of ordinary) {
    it(`is found at ${host} where ${endpoint} was named`, async (t) => {
      const { driver, hosts } = await amazon(t, endpoint);
      await driver.head('key', {});
      assert.deepEqual(hosts, [`bucket.${new URL(endpoint).host}`, `bucket.${host}`]);
    });
  }

  it('is found where the variable of the SDK names the endpoint of a region', async (t) => {
    const before = process.env['AWS_ENDPOINT_URL_S3'];
    t.after(() => {
      if (before === undefined) delete process.env['AWS_ENDPOINT_URL_S3'];
      else process.env['AWS_ENDPOINT_URL_S3'] = before;
    });
    process.env['AWS_ENDPOINT_URL_S3'] = 'http://s3.us-east-1.amazonaws.com';
    const { driver, hosts } = await amazon(t, undefined);
    await driver.head('key', {});
    assert.deepEqual(hosts, ['bucket.s3.us-east-1.amazonaws.com', 'bucket.s3.eu-west-3.amazonaws.com']);
  });

  const particular = [
    'http://bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com',
    'http://s3-fips.us-east-1.amazonaws.com',
    'http://s3-fips.dualstack.us-east-1.amazonaws.com',
    'http://s3-accelerate.amazonaws.com',
  ];
  for (const endpoint of particular) {
    it(`is told and not looked for where ${endpoint} was named`, async (t) => {
      const { driver, hosts } = await amazon(t, endpoint);
      await assert.rejects(
        driver.head('key', {}),
        (error) =>
          error instanceof StoreError && /its region is eu-west-3/.test(error.message) && !error.retryable,
      );
      assert.ok(
        hosts.every((host) => host === `bucket.${new URL(endpoint).host}`),
        hosts.join(),
      );
    });
  }
});

peerSuite(['versitygw'], 'a wrong region on a server that checks it', ({ versitygw }) => {
  it('is corrected for a get, a head, a list, and at the second attempt for a put', async (t) => {
    const server = await startVersitygw(versitygw);
    t.after(() => server.stop());
    const bucket = await newBucket(server);
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const keys = { credentials: { accessKeyId, secretAccessKey } };
    const opened = (): ObjectStore => {
      const location = parseS3Location(`//${bucket.name}?endpoint=${endpoint}&region=eu-south-9`);
      const store = new ObjectStore(new S3Driver(location, keys));
      t.after(() => store.close());
      return store;
    };
    const store = opened();
    await assert.rejects(
      store.put('key', Buffer.from('contents')),
      (error) => error instanceof StoreError && error.retryable,
    );
    await store.put('key', Buffer.from('contents'));
    assert.equal((await opened().get('key')).toString(), 'contents');
    assert.equal((await opened().head('key')).sizeBytes, 8);
    for await (const { key } of opened().list()) assert.equal(key, 'key');
    assert.equal(await opened().exists('other'), false);
  });
});

describe('the name of a bucket', () => {
  const cases: readonly (readonly [location: string, isInPath: boolean])[] = [
    ['//bucket', false],
    ['//bucket.with.dots', true],
    ['//Old_Bucket', true],
    ['https://s3.eu-west-1.amazonaws.com/bucket', false],
    ['s3.amazonaws.com/bucket', false],
    ['https://s3.eu-west-1.amazonaws.com/bucket.with.dots', true],
    ['//bucket?endpoint=https://minio:9000', true],
    ['https://s3.example.com/bucket', true],
    ['//bucket?endpoint=https://amazonaws.com.example.org', true],
    ['//bucket?endpoint=https://s3.example.com&path-style=false', false],
    ['//bucket?path-style=true', true],
  ];
  for (const [location, isInPath] of cases) {
    it(`stands in the ${isInPath ? 'path' : 'host'}: s3:${location}`, async () => {
      const client = await createClient(
        parseS3Location(location),
        { credentials },
        {
          warnings: new ConnectionWarnings(silentLogger),
        },
      );
      assert.equal(client.config.forcePathStyle, isInPath);
      client.destroy();
    });
  }
});
