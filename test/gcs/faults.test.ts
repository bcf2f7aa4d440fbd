/** Passes over GCS through a network and a server that misbehave. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { testFaultyPasses } from '../interop/faulty-passes.ts';
import { initInGcs, openInGcs } from '../support/gcs/bucket-repository.ts';
import { newGcsBucket } from '../support/gcs/gcs-bucket.ts';
import { gcsFaultSuite } from '../support/gcs/gcs-suite.ts';

gcsFaultSuite('faults over GCS', (server, toxiproxy) => {
  testFaultyPasses({
    endpoint: () => server().endpoint,
    toxiproxy,
    newStore: async () => {
      const bucket = await newGcsBucket(server());
      return {
        init: ({ through: endpoint, ...options } = {}) => initInGcs(bucket, { endpoint, ...options }),
        open: ({ through: endpoint, ...options } = {}) => openInGcs(bucket, { endpoint, ...options }),
        driver: (through) => bucket.driver({}, through),
        leftovers: async () => (await bucket.names()).filter((name) => name.includes('-tmp-')),
      };
    },
    refusals: [
      [503, 'backendError'],
      [429, 'rateLimitExceeded'],
    ],
    smallestPartBytes: 2 ** 20,
  });

  it('a body that stalls half-way, in either direction, is given up when nothing moved for the idle time', async () => {
    const bucket = await newGcsBucket(server());
    const proxy = await toxiproxy().proxy(server().endpoint);
    const driver = bucket.driver({ idleTimeoutMs: 300 }, proxy.endpoint);
    const body = Buffer.alloc(8 * 2 ** 20, 1);
    await driver.put('large', body, {});
    for (const stream of ['upstream', 'downstream'] as const) {
      const slow = await proxy.addToxic('bandwidth', { rate: 1000 }, { stream });
      const moving =
        stream === 'upstream' ? driver.put('other', body, {}) : new ObjectStore(driver).get('large');
      const failed = assert.rejects(moving, { code: 'timeout', retryable: true });
      await new Promise((resolve) => setTimeout(resolve, 500));
      const stall = await proxy.addToxic('timeout', { timeout: 0 }, { stream });
      await failed;
      await proxy.removeToxic(stall);
      await proxy.removeToxic(slow);
    }
    assert.ok((await new ObjectStore(driver).get('large')).equals(body));
    await driver.close();
  });
});
