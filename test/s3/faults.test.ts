/** Passes over S3 through a network and a server that misbehave. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { assertRestores, checkWell, stageWell } from '../interop/own-pass.ts';
import { makeRandomTree, mutateTree } from '../support/random-tree.ts';
import { initInBucket, openInBucket } from '../support/s3/bucket-repository.ts';
import { randomRefusals, startRefusingProxy } from '../support/servers/refusing-proxy.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { s3FaultSuite } from '../support/s3/s3-suite.ts';
import type { Proxy, ToxicOptions, ToxicType } from '../support/servers/toxiproxy.ts';
import { forEachSeed, scaled } from '../support/seed.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';

/** Silence is noticed in this time here, instead of two minutes. */
const idleTimeoutMs = 700;

/** Waits before another attempt are a twentieth of what they are elsewhere. */
const impatientClock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 20, signal) };

interface Trouble {
  readonly name: string;
  readonly type: ToxicType;
  readonly attributes: Readonly<Record<string, number>>;
  readonly options: ToxicOptions;
}

const troubles: readonly Trouble[] = [
  {
    name: 'answers cut off in mid-body',
    type: 'limit_data',
    attributes: { bytes: 300_000 },
    options: { toxicity: 0.5 },
  },
  {
    name: 'requests cut off in mid-body',
    type: 'limit_data',
    attributes: { bytes: 300_000 },
    options: { stream: 'upstream', toxicity: 0.5 },
  },
  { name: 'connections reset', type: 'reset_peer', attributes: { timeout: 30 }, options: { toxicity: 0.3 } },
  {
    name: 'answers that never come',
    type: 'timeout',
    attributes: { timeout: 0 },
    options: { toxicity: 0.3 },
  },
  {
    name: 'requests that nobody takes',
    type: 'timeout',
    attributes: { timeout: 0 },
    options: { stream: 'upstream', toxicity: 0.3 },
  },
];

/** Toxics are drawn for each connection; one that was kept alive would stay well for the whole test. */
async function renewConnections(proxy: Proxy): Promise<void> {
  await proxy.setEnabled(false);
  await proxy.setEnabled(true);
}

s3FaultSuite('faults over S3', (server, toxiproxy) => {
  for (const { name, type, attributes, options } of troubles) {
    it(`${name}: the pass gets through and nothing is lost`, async (t) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      makeRandomTree(source, 5, { largeFiles: 3, sockets: false });
      const bucket = await newBucket(server());
      const proxy = await toxiproxy().proxy(server().endpoint);
      await initInBucket(bucket);
      const through = await openInBucket(bucket, {
        endpoint: proxy.endpoint,
        settings: { idleTimeoutMs },
        clock: impatientClock,
      });
      await proxy.addToxic(type, attributes, options);
      await renewConnections(proxy);
      const { snapshotId } = await stageWell(through, { paths: [source], storeAs: '/v' });
      await renewConnections(proxy);
      await assertRestores(through, `${snapshotId}:/v`, source, join(folder, 'target'));
      await through.store.close();
      const direct = await openInBucket(bucket);
      await checkWell(direct);
      assert.deepEqual(await bucket.unfinishedUploads(), []);
      await direct.store.close();
    });
  }

  it('a large put that is cancelled at any request leaves no upload and no object', async () => {
    const bucket = await newBucket(server());
    const proxy = await toxiproxy().proxy(server().endpoint);
    await proxy.addToxic('latency', { latency: 200, jitter: 0 });
    const driver = bucket.driver({}, proxy.endpoint);
    const store = new ObjectStore(driver);
    const source = [Buffer.alloc(5 * 2 ** 20), Buffer.alloc(1000)];
    for (const afterMs of [100, 300, 500, 700]) {
      const key = `cancelled-${afterMs}`;
      const signal = AbortSignal.timeout(afterMs);
      const putting = store.putLarge(key, source, { partSizeBytes: 5 * 2 ** 20, signal });
      const wasPut = await putting.then(
        () => true,
        () => false,
      );
      assert.equal(await store.exists(key), wasPut, `cancelled after ${afterMs} ms`);
      assert.deepEqual(await bucket.unfinishedUploads(), []);
    }
    await store.close();
  });

  it('a fifth of all requests refused: passes get through and nothing is lost', async (t) => {
    await forEachSeed(t, scaled(1, 5), async (seed) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      const bucket = await newBucket(server());
      const proxy = await startRefusingProxy(server().endpoint, randomRefusals(0.2, seed));
      const repository = await initInBucket(bucket, { endpoint: proxy.endpoint, clock: impatientClock });
      makeRandomTree(source, seed, { largeFiles: 3, sockets: false });
      for (let pass = 0; pass < 3; pass++) {
        const { snapshotId } = await stageWell(repository, { paths: [source], storeAs: '/v' });
        await assertRestores(repository, `${snapshotId}:/v`, source, join(folder, 'target'));
        mutateTree(source, seed + pass);
      }
      assert.ok(proxy.counts.refused > 0, 'nothing was refused');
      t.diagnostic(`${proxy.counts.refused} requests refused, ${proxy.counts.passed} let through`);
      await checkWell(repository);
      await repository.store.close();
      await proxy.stop();
      removeTree(folder);
    });
  });
});
