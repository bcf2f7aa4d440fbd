/** Passes over Azure Blob Storage through a network and a server that misbehave. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { assertRestores, checkWell, stageWell } from '../interop/own-pass.ts';
import { newContainer, throughProxy } from '../support/azure-blob/azure-container.ts';
import { azureFaultSuite } from '../support/azure-blob/azure-suite.ts';
import { initInContainer, openInContainer } from '../support/azure-blob/container-repository.ts';
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
  readonly options?: ToxicOptions;
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
  { name: 'every answer late', type: 'latency', attributes: { latency: 60, jitter: 40 } },
];

/** Toxics are drawn for each connection; one that was kept alive would stay well for the whole test. */
async function renewConnections(proxy: Proxy): Promise<void> {
  await proxy.setEnabled(false);
  await proxy.setEnabled(true);
}

const busy: readonly [Refusal, ...Refusal[]] = [
  [503, 'ServerBusy'],
  [429, 'TooManyRequests'],
  [500, 'OperationTimedOut'],
];

function busyServer(share: number, seed: number): RefusalRule {
  const random = createRandom(seed);
  return () => (random.chance(share) ? random.pick(busy) : undefined);
}

azureFaultSuite('faults over Azure Blob Storage', (server, toxiproxy) => {
  for (const { name, type, attributes, options } of troubles) {
    it(`${name}: the pass gets through and nothing is lost`, async (t) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      makeRandomTree(source, 5, { largeFiles: 3, sockets: false });
      const container = await newContainer(server());
      const proxy = await toxiproxy().proxy(server().endpoint);
      await initInContainer(container);
      const through = await openInContainer(container, {
        endpoint: throughProxy(server(), proxy.endpoint),
        settings: { idleTimeoutMs },
        clock: impatientClock,
      });
      await proxy.addToxic(type, attributes, options);
      await renewConnections(proxy);
      const { snapshotId } = await stageWell(through, { paths: [source], storeAs: '/v' });
      await renewConnections(proxy);
      await assertRestores(through, `${snapshotId}:/v`, source, join(folder, 'target'));
      await through.store.close();
      const direct = await openInContainer(container);
      await checkWell(direct);
      await direct.store.close();
    });
  }

  it('a body that stalls, and a bandwidth that collapses: the one is noticed, the other waited for', async () => {
    const container = await newContainer(server());
    const proxy = await toxiproxy().proxy(server().endpoint);
    const store = new ObjectStore(
      container.driver({ idleTimeoutMs }, throughProxy(server(), proxy.endpoint)),
    );
    const body = Buffer.alloc(300_000, 3);
    await store.put('key', body);
    await proxy.addToxic('bandwidth', { rate: 100 });
    assert.ok((await store.get('key')).equals(body), 'what came slowly came wrong');
    let pieces = 0;
    const reading = async (): Promise<void> => {
      for await (const _ of store.stream('key')) {
        if (pieces++ === 0) await proxy.addToxic('timeout', { timeout: 0 });
      }
    };
    await assert.rejects(reading(), { code: 'timeout', retryable: true });
    assert.ok(pieces > 0);
    await store.close();
  });

  it('a large put that is cancelled at any request leaves no object', async () => {
    const container = await newContainer(server());
    const proxy = await toxiproxy().proxy(server().endpoint);
    await proxy.addToxic('latency', { latency: 200, jitter: 0 });
    const store = new ObjectStore(container.driver({}, throughProxy(server(), proxy.endpoint)));
    const partSizeBytes = 2 ** 20;
    const source = [Buffer.alloc(partSizeBytes), Buffer.alloc(1000)];
    for (const afterMs of [100, 300, 500, 700]) {
      const key = `cancelled-${afterMs}`;
      const signal = AbortSignal.timeout(afterMs);
      const wasPut = await store.putLarge(key, source, { partSizeBytes, signal }).then(
        () => true,
        () => false,
      );
      assert.equal(await store.exists(key), wasPut, `cancelled after ${afterMs} ms`);
    }
    await store.close();
  });

  it('a fifth of all requests refused: passes get through and nothing is lost', async (t) => {
    await forEachSeed(t, scaled(1, 5), async (seed) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      const container = await newContainer(server());
      const proxy = await startRefusingProxy(server().endpoint, busyServer(0.2, seed));
      const endpoint = throughProxy(server(), proxy.endpoint);
      const repository = await initInContainer(container, { endpoint, clock: impatientClock });
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
