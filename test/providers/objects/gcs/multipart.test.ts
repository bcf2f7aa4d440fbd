/** What is left of an upload in parts, and what its caller is told, where its last requests go wrong. */
import assert from 'node:assert/strict';
import { createServer, request as forward } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import type { ObjectDriver } from '../../../../src/providers/objects/driver.ts';
import { withRetry } from '../../../../src/providers/objects/retry.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';
import { newGcsBucket } from '../../../support/gcs/gcs-bucket.ts';
import type { GcsBucket } from '../../../support/gcs/gcs-bucket.ts';
import { gcsSuite } from '../../../support/gcs/gcs-suite.ts';
import { listening } from '../../../support/listening.ts';
import { startRefusingProxy } from '../../../support/servers/refusing-proxy.ts';
import type { RefusalRule } from '../../../support/servers/refusing-proxy.ts';

const partSizeBytes = 1000;
const body = Buffer.alloc(3 * partSizeBytes, 7);

/** Passes requests on, and cuts the connection instead of an answer where the rule says so. */
async function startCuttingProxy(
  t: TestContext,
  upstream: string,
  isCut: (request: IncomingMessage) => boolean,
): Promise<string> {
  const { hostname, port } = new URL(upstream);
  const server = createServer((request, response) => {
    const { method, url, headers } = request;
    const onward = forward({ host: hostname, port, method, path: url, headers }, (answer) => {
      if (isCut(request)) {
        answer.resume().on('end', () => response.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  return `http://127.0.0.1:${await listening(t, server)}`;
}

gcsSuite('an upload in parts to GCS', (server) => {
  async function refusing(t: TestContext, bucket: GcsBucket, rule: RefusalRule): Promise<ObjectDriver> {
    const proxy = await startRefusingProxy(server().endpoint, rule);
    const driver = bucket.driver({}, proxy.endpoint);
    t.after(async () => {
      await driver.close();
      await proxy.stop();
    });
    return driver;
  }

  for (const mode of ['create', 'overwrite'] as const) {
    it(`leaves no part where the answer to its join is lost, in mode ${mode}`, async (t) => {
      const bucket = await newGcsBucket(server());
      let isCut = false;
      const endpoint = await startCuttingProxy(t, server().endpoint, ({ url = '' }) => {
        if (isCut || !url.includes('/compose')) return false;
        isCut = true;
        return true;
      });
      const driver = bucket.driver({}, endpoint);
      t.after(() => driver.close());
      const store = new ObjectStore(withRetry(driver, { firstDelayMs: 1 }));
      await store.putLarge('large', [body], { partSizeBytes, mode });
      assert.ok(isCut, 'no answer was lost');
      assert.deepEqual(await bucket.names(), ['large']);
      assert.ok((await store.get('large')).equals(body));
    });
  }

  it('has succeeded once its object is there, though its parts cannot be deleted', async (t) => {
    const bucket = await newGcsBucket(server());
    const driver = await refusing(t, bucket, ({ url = '' }) =>
      url.startsWith('/batch/') ? [403, 'forbidden'] : undefined,
    );
    await new ObjectStore(driver).putLarge('large', [body], { partSizeBytes, mode: 'create' });
    const left = (await bucket.names()).filter((name) => name.endsWith('-tmp-part'));
    assert.equal(left.length, 3);
  });

  it('leaves no part where one deletion of them is refused in passing', async (t) => {
    const bucket = await newGcsBucket(server());
    let batches = 0;
    const driver = await refusing(t, bucket, ({ url = '' }) => {
      if (!url.startsWith('/batch/')) return undefined;
      batches += 1;
      return batches === 1 ? [503, 'backendError'] : undefined;
    });
    await new ObjectStore(driver).putLarge('large', [body], { partSizeBytes, mode: 'create' });
    assert.deepEqual(await bucket.names(), ['large']);
  });

  it('goes on, when it is aborted once more, behind the parts that are deleted already', async (t) => {
    const bucket = await newGcsBucket(server());
    const sizes: number[] = [];
    let batches = 0;
    const driver = await refusing(t, bucket, ({ url = '', headers }) => {
      if (!url.startsWith('/batch/')) return undefined;
      batches += 1;
      sizes.push(Number(headers['content-length']));
      return batches === 2 ? [503, 'backendError'] : undefined;
    });
    const upload = await driver.createMultipart('large', {});
    for (let part = 1; part <= 101; part += 1) await upload.putPart(part, Buffer.from('x'));
    await assert.rejects(upload.abort());
    await upload.abort();
    assert.equal(batches, 3, 'what was deleted was deleted again');
    assert.ok((sizes[2] ?? 0) < (sizes[0] ?? 0) / 10);
    assert.deepEqual(await bucket.names(), []);
  });
});
