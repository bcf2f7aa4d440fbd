/** Passes over Azure Blob Storage through a network and a server that misbehave. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { impatientMs, testFaultyPasses } from '../interop/faulty-passes.ts';
import { newContainer, throughProxy } from '../support/azure-blob/azure-container.ts';
import { azureFaultSuite } from '../support/azure-blob/azure-suite.ts';
import { initInContainer, openInContainer } from '../support/azure-blob/container-repository.ts';

azureFaultSuite('faults over Azure Blob Storage', (server, toxiproxy) => {
  const at = (proxy: string | undefined): string | undefined =>
    proxy === undefined ? undefined : throughProxy(server(), proxy);

  testFaultyPasses({
    endpoint: () => server().endpoint,
    toxiproxy,
    newStore: async () => {
      const container = await newContainer(server());
      return {
        init: ({ through, ...options } = {}) =>
          initInContainer(container, { endpoint: at(through), ...options }),
        open: ({ through, ...options } = {}) =>
          openInContainer(container, { endpoint: at(through), ...options }),
        driver: (through) => container.driver({}, at(through)),
      };
    },
    refusals: [
      [503, 'ServerBusy'],
      [429, 'TooManyRequests'],
      [500, 'OperationTimedOut'],
    ],
    smallestPartBytes: 2 ** 20,
  });

  it('a body that stalls, and a bandwidth that collapses: the one is noticed, the other waited for', async () => {
    const container = await newContainer(server());
    const proxy = await toxiproxy().proxy(server().endpoint);
    const store = new ObjectStore(
      container.driver({ idleTimeoutMs: impatientMs }, throughProxy(server(), proxy.endpoint)),
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
});
