/** Passes through a network and a server that misbehave, over any service. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import type { ConnectionSettings } from '../../src/providers/objects/settings.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { makeRandomTree, mutateTree } from '../support/random-tree.ts';
import { forEachSeed, scaled } from '../support/seed.ts';
import { randomRefusals, startRefusingProxy } from '../support/servers/refusing-proxy.ts';
import type { Refusal } from '../support/servers/refusing-proxy.ts';
import type { Proxy, ToxicOptions, ToxicType, Toxiproxy } from '../support/servers/toxiproxy.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { assertRestores, checkWell, stageWell } from './own-pass.ts';

/** Silence is noticed in this time here, instead of two minutes. */
export const impatientMs = 700;

/** Waits before another attempt are a twentieth of what they are elsewhere. */
const impatientClock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 20, signal) };

interface RouteOptions {
  /** `http://HOST:PORT` of a proxy. Default: the server's own. */
  readonly through?: string;
  readonly settings?: ConnectionSettings;
  readonly clock?: Clock;
}

/** A new bucket or container, reached directly or through a proxy. */
export interface FaultyStore {
  readonly init: (options?: RouteOptions) => Promise<Repository>;
  readonly open: (options?: RouteOptions) => Promise<Repository>;
  readonly driver: (through: string) => ObjectDriver;
  /** What unfinished puts have left there. Default: nothing that shows. */
  readonly leftovers?: () => Promise<readonly string[]>;
}

export interface FaultyService {
  /** Of the server, without a path. */
  readonly endpoint: () => string;
  readonly toxiproxy: () => Toxiproxy;
  readonly newStore: () => Promise<FaultyStore>;
  /** What an overloaded or failing server of this kind answers. */
  readonly refusals: readonly [Refusal, ...Refusal[]];
  readonly smallestPartBytes: number;
}

interface Trouble {
  readonly name: string;
  readonly type: ToxicType;
  readonly attributes: Readonly<Record<string, number>>;
  readonly options?: ToxicOptions;
  /** True where all moves, if slowly: what buffers hold would look like silence to so short a limit. */
  readonly isSlow?: boolean;
}

const cut = { type: 'limit_data', attributes: { bytes: 300_000 } } as const;
const silence = { type: 'timeout', attributes: { timeout: 0 } } as const;
const narrow = { type: 'bandwidth', attributes: { rate: 2000 }, isSlow: true } as const;
const upstream = { stream: 'upstream' } as const;

const troubles: readonly Trouble[] = [
  { name: 'a far server', type: 'latency', attributes: { latency: 40, jitter: 20 } },
  { name: 'a line of 2 MB/s', ...narrow },
  { name: 'a line that takes 2 MB/s', ...narrow, options: upstream },
  { name: 'answers cut off in mid-body', ...cut, options: { toxicity: 0.5 } },
  { name: 'requests cut off in mid-body', ...cut, options: { ...upstream, toxicity: 0.5 } },
  { name: 'connections reset', type: 'reset_peer', attributes: { timeout: 30 }, options: { toxicity: 0.3 } },
  { name: 'answers that never come', ...silence, options: { toxicity: 0.3 } },
  { name: 'requests that nobody takes', ...silence, options: { ...upstream, toxicity: 0.3 } },
];

/** Toxics are drawn for each connection; one that was kept alive would stay well for the whole test. */
async function renewConnections(proxy: Proxy): Promise<void> {
  await proxy.setEnabled(false);
  await proxy.setEnabled(true);
}

async function assertNothingLeft({ leftovers }: FaultyStore): Promise<void> {
  if (leftovers !== undefined) assert.deepEqual(await leftovers(), []);
}

/** Adds the tests to the suite in which it is called. */
export function testFaultyPasses({
  endpoint,
  toxiproxy,
  newStore,
  refusals,
  smallestPartBytes,
}: FaultyService): void {
  for (const { name, type, attributes, options, isSlow = false } of troubles) {
    it(`${name}: the pass gets through and nothing is lost`, async (t) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      makeRandomTree(source, 5, { largeFiles: 3, sockets: false });
      const store = await newStore();
      const proxy = await toxiproxy().proxy(endpoint());
      const direct = await store.init();
      const through = await store.open({
        through: proxy.endpoint,
        settings: isSlow ? {} : { idleTimeoutMs: impatientMs },
        clock: impatientClock,
      });
      await proxy.addToxic(type, attributes, options);
      await renewConnections(proxy);
      const { snapshotId } = await stageWell(through, { paths: [source], storeAs: '/v' });
      await renewConnections(proxy);
      await assertRestores(through, `${snapshotId}:/v`, source, join(folder, 'target'));
      await through.store.close();
      await checkWell(direct);
      await assertNothingLeft(store);
      await direct.store.close();
    });
  }

  it('a large put that is cancelled at any request leaves no part and no object', async () => {
    const bucket = await newStore();
    const proxy = await toxiproxy().proxy(endpoint());
    await proxy.addToxic('latency', { latency: 200, jitter: 0 });
    const store = new ObjectStore(bucket.driver(proxy.endpoint));
    const source = [Buffer.alloc(smallestPartBytes), Buffer.alloc(1000)];
    for (const afterMs of [100, 300, 500, 700]) {
      const key = `cancelled-${afterMs}`;
      const signal = AbortSignal.timeout(afterMs);
      const putting = store.putLarge(key, source, { partSizeBytes: smallestPartBytes, signal });
      const wasPut = await putting.then(
        () => true,
        () => false,
      );
      assert.equal(await store.exists(key), wasPut, `cancelled after ${afterMs} ms`);
      await assertNothingLeft(bucket);
    }
    await store.close();
  });

  it('a fifth of all requests refused: passes get through and nothing is lost', async (t) => {
    await forEachSeed(t, scaled(1, 5), async (seed) => {
      const folder = temporaryFolder(t);
      const source = join(folder, 'source');
      const proxy = await startRefusingProxy(endpoint(), randomRefusals(0.2, seed, refusals));
      const store = await newStore();
      const repository = await store.init({ through: proxy.endpoint, clock: impatientClock });
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
}
