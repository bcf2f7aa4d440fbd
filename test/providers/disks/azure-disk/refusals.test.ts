/** What refusals of Azure, of its tokens and of the network mean. */
import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { describe, it } from 'node:test';
import { DiskError, UsageError } from '../../../../src/base/errors.ts';
import type { ErrorCode } from '../../../../src/base/errors.ts';
import { AzureDiskDriver } from '../../../../src/providers/disks/azure-disk/driver.ts';
import { ArmDouble, subscription } from '../../../support/disks/arm-double.ts';
import { ArmRefusal } from '../../../support/disks/arm-resources.ts';
import { listening } from '../../../support/listening.ts';

const base = `/subscriptions/${subscription}/resourceGroups/mc_cluster/providers/Microsoft.Compute`;
const diskId = `${base}/disks/a`;
const who = "The client 'a' with object id 'b'";

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retryAfter?: number;
  readonly means: ErrorCode;
  readonly retryable?: boolean;
  readonly action?: string;
}

const refusals: readonly Refusal[] = [
  {
    status: 403,
    code: 'AuthorizationFailed',
    message: `${who} does not have authorization to perform action 'Microsoft.Compute/disks/read' over scope 'c'.`,
    means: 'permission-denied',
    action: 'Microsoft.Compute/disks/read',
  },
  {
    status: 403,
    code: 'LinkedAuthorizationFailed',
    message:
      `${who} has permission to perform action 'Microsoft.Compute/snapshots/write' on scope 'c'; however, it does ` +
      `not have permission to perform action(s) 'Microsoft.Compute/disks/beginGetAccess/action' on the linked scope(s)`,
    means: 'permission-denied',
    action: 'Microsoft.Compute/disks/beginGetAccess/action',
  },
  {
    status: 403,
    code: 'RequestDisallowedByPolicy',
    message: "Resource 'a' was disallowed by policy 'no-disks'.",
    means: 'permission-denied',
    action: 'Microsoft.Compute/disks/read',
  },
  {
    status: 409,
    code: 'ScopeLocked',
    message: 'The scope cannot perform delete operation because following scope(s) are locked.',
    means: 'permission-denied',
    action: 'Microsoft.Compute/disks/read',
  },
  {
    status: 401,
    code: 'InvalidAuthenticationToken',
    message: 'The token is invalid.',
    means: 'unauthenticated',
  },
  {
    status: 404,
    code: 'SubscriptionNotFound',
    message: 'The subscription was not found.',
    means: 'not-found',
  },
  {
    status: 429,
    code: 'TooManyRequests',
    message: 'The request is being throttled.',
    retryAfter: 17,
    means: 'throttled',
    retryable: true,
  },
  { status: 409, code: 'QuotaExceeded', message: 'The quota is exceeded.', means: 'quota-exceeded' },
  {
    status: 409,
    code: 'OperationNotAllowed',
    message: 'Operation could not be completed as it results in exceeding approved quota.',
    means: 'quota-exceeded',
  },
  { status: 409, code: 'OperationNotAllowed', message: 'Disk a is attached to VM b.', means: 'conflict' },
  {
    status: 409,
    code: 'AnotherOperationInProgress',
    message: 'Another operation is in progress.',
    means: 'conflict',
    retryable: true,
  },
  { status: 409, code: 'InvalidResourceLocation', message: 'It exists elsewhere.', means: 'already-exists' },
  { status: 409, code: 'SkuNotAvailable', message: 'The sku is not available.', means: 'unsupported' },
  { status: 400, code: 'InvalidParameter', message: 'The value is out of range.', means: 'invalid-argument' },
  {
    status: 400,
    code: 'KeyVaultAccessForbidden',
    message: 'No access to the key.',
    means: 'permission-denied',
  },
  { status: 500, code: 'InternalServerError', message: 'It failed.', means: 'unavailable', retryable: true },
  { status: 503, code: 'ServiceUnavailable', message: 'It is busy.', means: 'unavailable', retryable: true },
  { status: 504, code: 'GatewayTimeout', message: 'No answer.', means: 'timeout', retryable: true },
];

describe('what Azure’s refusals mean', () => {
  for (const { status, code, message, retryAfter, means, retryable = false, action } of refusals) {
    it(`${status} ${code}: ${means}${message.includes('quota') ? ', of a quota' : ''}`, async (t) => {
      const azure = await ArmDouble.start(t);
      azure.refuse(new ArmRefusal(status, code, message, retryAfter));
      await assert.rejects(azure.driver.describeDisk(diskId, {}), (error) => {
        assert.ok(error instanceof DiskError, String(error));
        assert.equal(error.code, means);
        assert.equal(error.retryable, retryable);
        assert.equal(error.where, diskId);
        assert.ok(error.message.includes(code), error.message);
        if (action !== undefined) assert.equal(error.action, action);
        if (retryAfter !== undefined) assert.equal(error.retryAfterMs, retryAfter * 1000);
        return true;
      });
    });
  }

  it('a resource group that is missing, where something is made', async (t) => {
    const azure = await ArmDouble.start(t);
    const order = { diskId: azure.addDisk(), operationId: 'a', tags: {}, resourceGroup: 'nowhere' };
    await assert.rejects(azure.driver.createSnapshot(order, {}), (error) => {
      assert.ok(error instanceof DiskError);
      assert.equal(error.code, 'not-found');
      assert.match(error.message, /resource group does not exist.*nowhere/);
      return true;
    });
  });

  it('a token that has expired is asked for anew', async (t) => {
    const azure = await ArmDouble.start(t);
    const id = azure.addDisk();
    await azure.driver.describeDisk(id, {});
    azure.refuse(new ArmRefusal(401, 'ExpiredAuthenticationToken', 'The access token has expired.'));
    await assert.rejects(azure.driver.describeDisk(id, {}), (error) => {
      assert.ok(error instanceof DiskError && error.code === 'unauthenticated');
      return error.retryable;
    });
    assert.ok(await azure.driver.describeDisk(id, {}));
  });
});

describe('what else goes wrong before Azure', () => {
  const broken = async (driver: AzureDiskDriver, code: ErrorCode, says: RegExp): Promise<void> => {
    await assert.rejects(driver.describeDisk(diskId, {}), (error) => {
      assert.ok(error instanceof DiskError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.ok(!error.message.includes('a secret of the test'));
      return true;
    });
    await driver.close();
  };

  it('nothing listens, nobody knows the certificate, and the answer is a web page', async (t) => {
    const azure = await ArmDouble.start(t);
    const { settings } = azure;
    const port = await listening(t, createTcpServer());
    await broken(
      new AzureDiskDriver({ ...settings, endpoint: 'https://127.0.0.1:1' }),
      'unavailable',
      /nothing listens/,
    );
    await broken(
      new AzureDiskDriver({ ...settings, authorityHost: `https://127.0.0.1:1` }),
      'unavailable',
      /no token from https:\/\/127\.0\.0\.1:1/,
    );
    await broken(
      new AzureDiskDriver({ ...settings, caCertificates: undefined }),
      'unauthenticated',
      /certificate/,
    );
    await broken(
      new AzureDiskDriver({ ...settings, endpoint: `https://127.0.0.1:${port}`, idleTimeoutMs: 50 }),
      'timeout',
      /neither sent nor took/,
    );
    const pages = createServer({ ...ArmDouble.certificate() }, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    });
    const pagesPort = await listening(t, pages);
    await broken(
      new AzureDiskDriver({ ...settings, endpoint: `https://127.0.0.1:${pagesPort}` }),
      'unavailable',
      /answer/,
    );
  });

  it('a success that describes nothing leaves open whether the disk was made', async (t) => {
    const azure = await ArmDouble.start(t);
    const { id: snapshotId } = await azure.driver.createSnapshot(
      { diskId: azure.addDisk(), operationId: 'a', tags: {} },
      {},
    );
    const snapshot = JSON.stringify({ id: snapshotId, location: 'westeurope', properties: {} });
    for (const body of ['{}', '<html>']) {
      const silent = createServer({ ...ArmDouble.certificate() }, (request, response) => {
        const isSnapshot = request.url?.includes('/snapshots/') ?? false;
        const missing = JSON.stringify({ error: { code: 'ResourceNotFound', message: 'none' } });
        const status = isSnapshot || request.method === 'PUT' ? 200 : 404;
        const type = body === '{}' || isSnapshot ? 'application/json' : 'text/html';
        request.resume();
        response.writeHead(status, { 'content-type': status === 404 ? 'application/json' : type });
        response.end(isSnapshot ? snapshot : status === 404 ? missing : body);
      });
      const endpoint = `https://127.0.0.1:${await listening(t, silent)}`;
      const driver = new AzureDiskDriver({ ...azure.settings, endpoint });
      t.after(() => driver.close());
      const order = {
        snapshotId,
        operationId: 'b',
        tags: {},
        region: 'westeurope',
        zones: [],
        type: 'Premium_LRS',
        sizeBytes: 2 ** 30,
        encryption: { kind: 'provider-key' },
      } as const;
      await assert.rejects(driver.createDisk(order, {}), { code: 'unavailable', retryable: true });
    }
  });

  it('a page of a listing that is said to be at another host is not asked for', async (t) => {
    const azure = await ArmDouble.start(t);
    const seen: (string | undefined)[] = [];
    const other = createServer({ ...ArmDouble.certificate() }, (request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    });
    const otherPort = await listening(t, other);
    const liar = createServer({ ...ArmDouble.certificate() }, (_, response) => {
      const nextLink = `https://127.0.0.1:${otherPort}/more`;
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ value: [], nextLink }));
    });
    const endpoint = `https://127.0.0.1:${await listening(t, liar)}`;
    const driver = new AzureDiskDriver({ ...azure.settings, endpoint });
    t.after(() => driver.close());
    await assert.rejects(driver.listDisks({ tags: {} }).next(), /another host/);
    assert.deepEqual(seen, []);
  });

  it('settings that cannot be carried out', async (t) => {
    const azure = await ArmDouble.start(t);
    const plain = new AzureDiskDriver({ ...azure.settings, endpoint: 'http://127.0.0.1:1', allowHttp: true });
    await assert.rejects(plain.account({}), UsageError);
    assert.throws(() => new AzureDiskDriver({ idleTimeoutMs: 0 }), UsageError);
  });
});
