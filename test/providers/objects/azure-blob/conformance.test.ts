/** The driver on Microsoft's own server: every conformance case, and what only Azure has. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it, test } from 'node:test';
import { StoreError } from '../../../../src/base/errors.ts';
import type { ErrorCode } from '../../../../src/base/errors.ts';
import { conformanceCases, runConformanceCase } from '../../../../src/providers/objects/conformance.ts';
import type { ObjectDriver } from '../../../../src/providers/objects/driver.ts';
import { withLimit } from '../../../../src/providers/objects/limit.ts';
import { withPrefix } from '../../../../src/providers/objects/prefix.ts';
import { withRetry } from '../../../../src/providers/objects/retry.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';
import { containerClient, newContainer } from '../../../support/azure-blob/azure-container.ts';
import type { AzureContainer } from '../../../support/azure-blob/azure-container.ts';
import { azureSuite } from '../../../support/azure-blob/azure-suite.ts';

const stacks: readonly (readonly [name: string, decorate: (driver: ObjectDriver) => ObjectDriver])[] = [
  ['bare', (driver) => driver],
  [
    'as openStore does, below a prefix',
    (driver) => withRetry(withLimit(withPrefix(driver, 'clusters/east'), {})),
  ],
];

const partSizeBytes = 2 ** 20;

async function rejectsWith(code: ErrorCode, work: Promise<unknown>): Promise<StoreError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof StoreError && error.code === code, `expected ${code}, got ${String(error)}`);
    return error;
  }
  return assert.fail(`nothing was thrown, expected ${code}`);
}

async function all(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list()) keys.push(key);
  return keys;
}

azureSuite('Azure Blob store', (server) => {
  for (const [name, decorate] of stacks) {
    let container: Promise<AzureContainer> | undefined;
    for (const testCase of conformanceCases) {
      test(`${name}: ${testCase.name}`, async () => {
        const { driver } = await (container ??= newContainer(server()));
        const bare = driver();
        // Once, more than a page.
        const options = { partSizeBytes, manyObjects: name === 'bare' ? 2100 : 1100 };
        const result = await runConformanceCase(testCase, decorate(bare), options);
        await bare.close();
        assert.equal(result.outcome, 'passed', result.reason);
      });
    }
  }

  it('bytes that change between their checksum and the socket are refused and not stored', async () => {
    const driver = (await newContainer(server())).driver();
    const body = Buffer.alloc(3_000_000, 1);
    const upload = await driver.createMultipart('parts', {});
    for (const work of [() => driver.put('key', body, {}), () => upload.putPart(1, body)]) {
      const putting = work();
      // The checksum of so few bytes is made at once, and none of them is on its way yet.
      body.fill(2);
      const error = await rejectsWith('corrupt', putting);
      assert.equal(error.retryable, true);
      body.fill(1);
    }
    await rejectsWith('not-found', driver.head('key', {}));
    await driver.close();
  });

  it('the server keeps the MD5 of what was put in one request', async () => {
    const { driver, client } = await newContainer(server());
    const bare = driver();
    const body = Buffer.alloc(700_001, 5);
    await bare.put('key', [body.subarray(0, 10), body.subarray(10)], {});
    const { contentMD5 } = await client.getBlobClient('key').getProperties();
    assert.deepEqual(Buffer.from(contentMD5 ?? []), createHash('md5').update(body).digest());
    await bare.close();
  });

  it('bytes in shared memory are stored as they are', async () => {
    const store = new ObjectStore((await newContainer(server())).driver());
    const shared = new Uint8Array(new SharedArrayBuffer(700_001)).fill(7, 1000);
    await store.put('shared', shared);
    assert.ok((await store.get('shared')).equals(Buffer.from(shared)));
    await store.close();
  });

  it('a container that does not exist is no missing object', async () => {
    const { driver, client } = await newContainer(server());
    await client.delete();
    const store = new ObjectStore(driver());
    for (const work of [
      () => store.get('key'),
      () => store.put('key', Buffer.from('x')),
      () => store.head('key'),
      () => all(store),
      () => store.deleteMany(['a', 'b']),
    ]) {
      assert.match((await rejectsWith('no-bucket', work())).message, /azblob:.*\(create it/);
    }
    await store.close();
  });

  it('a wrong key is told apart from a missing object, and not repeated', async () => {
    const { driver } = await newContainer(server());
    const accountKey = Buffer.from('wrong-secret').toString('base64');
    const store = new ObjectStore(driver({ credentials: { kind: 'account-key', accountKey } }));
    for (const work of [() => store.get('key'), () => store.put('key', Buffer.from('x')), () => all(store)]) {
      const { message, retryable } = await rejectsWith('unauthenticated', work());
      assert.ok(!message.includes(accountKey) && !message.includes(server().accountKey));
      assert.match(message, /account key is not one of the account’s/);
      assert.equal(retryable, false);
    }
    await store.close();
  });

  it('folders of a hierarchical namespace are no objects', async () => {
    const { driver, client } = await newContainer(server());
    for (const [name, mark] of [
      ['data', { hdi_isfolder: 'true' }],
      ['data/00', { Hdi_isfolder: 'true' }],
      ['data/empty', undefined],
    ] as const) {
      await client.getBlockBlobClient(name).upload('', 0, mark === undefined ? {} : { metadata: mark });
    }
    const store = new ObjectStore(driver());
    assert.deepEqual(await all(store), ['data/empty']);
    for (const key of ['data', 'data/00']) {
      await rejectsWith('not-found', store.head(key));
      await rejectsWith('not-found', store.get(key));
    }
    assert.equal((await store.get('data/empty')).byteLength, 0);
    await store.close();
  });

  it('page and append blobs of other programs are listed and read', async () => {
    const { driver, client } = await newContainer(server());
    const append = client.getAppendBlobClient('appended');
    await append.create();
    await append.appendBlock('one', 3);
    const page = client.getPageBlobClient('paged');
    await page.create(1024);
    const store = new ObjectStore(driver());
    assert.deepEqual(await all(store), ['appended', 'paged']);
    assert.equal((await store.get('appended')).toString(), 'one');
    assert.equal((await store.get('paged')).byteLength, 1024);
    await store.close();
  });

  it('keys of other programs are left out of a listing, whatever they hold', async () => {
    const { driver, name } = await newContainer(server());
    const client = containerClient(server(), name);
    for (const key of ['data/ok', 'data/a b+c', 'data/é&<>', 'data/-tmp-x']) {
      await client.getBlockBlobClient(key).upload('x', 1);
    }
    const store = new ObjectStore(driver());
    assert.deepEqual(await all(store), ['data/ok']);
    await store.close();
  });

  it('deletes hundreds of blobs, some of which are gone', async () => {
    const { driver } = await newContainer(server());
    const store = new ObjectStore(driver());
    const keys = Array.from({ length: 300 }, (_, index) => `k/${index}`);
    await Promise.all(keys.map((key) => store.put(key, Buffer.from('x'))));
    await store.delete('k/7');
    await store.deleteMany([...keys, 'k/never', 'k/neither']);
    assert.deepEqual(await all(store), []);
    await store.close();
  });

  it('a blob under a lease or with snapshots is not deleted, and named', async () => {
    const { driver, client } = await newContainer(server());
    const store = new ObjectStore(driver());
    for (const key of ['leased', 'snapped', 'free']) await store.put(key, Buffer.from('x'));
    await client.getBlobClient('leased').getBlobLeaseClient().acquireLease(60);
    await client.getBlobClient('snapped').createSnapshot();
    assert.match(
      (await rejectsWith('conflict', store.delete('leased'))).message,
      /lease on the blob: leased/,
    );
    assert.match(
      (await rejectsWith('conflict', store.delete('snapped'))).message,
      /has snapshots.*: snapped/,
    );
    assert.match((await rejectsWith('conflict', store.deleteMany(['free', 'snapped']))).message, /: snapped/);
    assert.match((await rejectsWith('conflict', store.put('leased', Buffer.from('y')))).message, /lease/);
    await store.close();
  });

  it('blocks of a cancelled upload are no object, and are dropped when the blob is put', async () => {
    const { driver, client } = await newContainer(server());
    const store = new ObjectStore(driver());
    const controller = new AbortController();
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (let part = 0; part < 3; part += 1) yield Buffer.alloc(partSizeBytes, part);
      controller.abort();
      await new Promise(() => {});
    };
    const { signal } = controller;
    await assert.rejects(store.putLarge('key', source(), { partSizeBytes, signal, mode: 'create' }));
    assert.deepEqual(await all(store), []);
    await store.put('key', Buffer.from('x'), { mode: 'create' });
    const { uncommittedBlocks } = await client.getBlockBlobClient('key').getBlockList('uncommitted');
    assert.deepEqual(uncommittedBlocks ?? [], []);
    await store.close();
  });

  it('connections carry request after request', async () => {
    const { driver } = await newContainer(server());
    const bare = driver();
    const store = new ObjectStore(bare);
    const { subscribe, unsubscribe } = await import('node:diagnostics_channel');
    let connections = 0;
    const count = () => {
      connections += 1;
    };
    subscribe('net.client.socket', count);
    for (let round = 0; round < 5; round += 1) {
      await store.put('key', Buffer.alloc(600_000));
      await store.get('key');
      await store.head('key');
      assert.deepEqual(await all(store), ['key']);
      await store.delete('key');
    }
    unsubscribe('net.client.socket', count);
    // After an answer without a body the next request may come before the connection is free.
    assert.ok(connections <= 2, `${connections} connections for 25 requests`);
    await store.close();
  });
});
