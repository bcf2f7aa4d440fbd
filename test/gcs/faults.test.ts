/** Passes over GCS through a network and a server that misbehave. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { assertRestores, checkWell, stageWell } from '../interop/own-pass.ts';
import { initInGcs, openInGcs } from '../support/gcs/bucket-repository.ts';
import { newGcsBucket } from '../support/gcs/gcs-bucket.ts';
import { gcsFaultSuite } from '../support/gcs/gcs-suite.ts';
import { makeRandomTree, mutateTree } from '../support/random-tree.ts';
import { startRefusingProxy } from '../support/servers/refusing-proxy.ts';
import type { Refusal, RefusalRule } from '../support/servers/refusing-proxy.ts';
import type { Proxy, ToxicOptions, ToxicType } from '../support/servers/toxiproxy.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
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
  /** True where all moves, if slowly: what buffers hold would look like silence to so short a limit. */
  readonly isSlow?: boolean;
}

const troubles: readonly Trouble[] = [
  { name: 'a far server', type: 'latency', attributes: { latency: 40, jitter: 20 }, options: {} },
  { name: 'a line of 2 MB/s', type: 'bandwidth', attributes: { rate: 2000 }, options: {}, isSlow: true },
  {
    name: 'a line that takes 2 MB/s',
    type: 'bandwidth',
    attributes: { rate: 2000 },
    options: { stream: 'upstream' },
    isSlow: true,
  },
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

/** What an overloaded server does to a share of all requests, 0 to 1; the seed decides which it hits. */
function randomRefusals(share: number, seed: number): RefusalRule {
  const random = createRandom(seed);
  const refusals: readonly [Refusal, ...Refusal[]] = [
    [503, 'backendError'],
    [429, 'rateLimitExceeded'],
  ];
  return () => (random.chance(share) ? random.pick(refusals) : undefined);
}

gcsFaultSuite('faults over GCS', (server, toxiproxy) => {
  for (const { name, type, attributes, options, isSlow = false } of troubles) {
    it(`${name}: the pass gets through and nothing is lost`, async (t) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      makeRandomTree(source, 5, { largeFiles: 3, sockets: false });
      const bucket = await newGcsBucket(server());
      const proxy = await toxiproxy().proxy(server().endpoint);
      await initInGcs(bucket);
      const through = await openInGcs(bucket, {
        endpoint: proxy.endpoint,
        settings: isSlow ? {} : { idleTimeoutMs },
        clock: impatientClock,
      });
      await proxy.addToxic(type, attributes, options);
      await renewConnections(proxy);
      const { snapshotId } = await stageWell(through, { paths: [source], storeAs: '/v' });
      await renewConnections(proxy);
      await assertRestores(through, `${snapshotId}:/v`, source, join(folder, 'target'));
      await through.store.close();
      const direct = await openInGcs(bucket);
      await checkWell(direct);
      await direct.store.close();
    });
  }

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

  it('a large put that is cancelled at any request leaves no part and no object', async () => {
    const bucket = await newGcsBucket(server());
    const proxy = await toxiproxy().proxy(server().endpoint);
    await proxy.addToxic('latency', { latency: 200, jitter: 0 });
    const store = new ObjectStore(bucket.driver({}, proxy.endpoint));
    const source = [Buffer.alloc(2 ** 20), Buffer.alloc(1000)];
    for (const afterMs of [100, 300, 500, 700]) {
      const key = `cancelled-${afterMs}`;
      const signal = AbortSignal.timeout(afterMs);
      const putting = store.putLarge(key, source, { partSizeBytes: 2 ** 20, signal });
      const wasPut = await putting.then(
        () => true,
        () => false,
      );
      assert.equal(await store.exists(key), wasPut, `cancelled after ${afterMs} ms`);
      assert.deepEqual(
        (await bucket.names()).filter((name) => name.includes('-tmp-')),
        [],
      );
    }
    await store.close();
  });

  it('a fifth of all requests refused: passes get through and nothing is lost', async (t) => {
    await forEachSeed(t, scaled(1, 5), async (seed) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      const bucket = await newGcsBucket(server());
      const proxy = await startRefusingProxy(server().endpoint, randomRefusals(0.2, seed));
      const repository = await initInGcs(bucket, { endpoint: proxy.endpoint, clock: impatientClock });
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
