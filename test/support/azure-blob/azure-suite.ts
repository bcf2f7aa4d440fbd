import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { peerSuite } from '../peers.ts';
import { Toxiproxy } from '../s3/toxiproxy.ts';
import { startAzurite } from './azurite-server.ts';
import type { AzuriteServer } from './azurite-server.ts';

/** Stops in `after` what it has started in `before`; gives a function that returns it meanwhile. */
function running<T extends { stop(): Promise<void> }>(start: () => Promise<T>): () => T {
  let started: T | undefined;
  before(async () => {
    started = await start();
  });
  after(() => started?.stop());
  return () => {
    assert.ok(started !== undefined, 'the server runs only inside tests and hooks');
    return started;
  };
}

/** A suite on Azurite, under the rules of `peerSuite`; one server serves all its tests. */
export function azureSuite(title: string, fn: (server: () => AzuriteServer) => void): void {
  peerSuite(['azurite'], `${title}: azurite`, ({ azurite }) => fn(running(() => startAzurite(azurite))));
}

/** The same with toxiproxy at hand. */
export function azureFaultSuite(
  title: string,
  fn: (server: () => AzuriteServer, toxiproxy: () => Toxiproxy) => void,
): void {
  peerSuite(['azurite', 'toxiproxy'], `${title}: azurite`, ({ azurite, toxiproxy }) => {
    fn(
      running(() => startAzurite(azurite)),
      running(() => Toxiproxy.start(toxiproxy)),
    );
  });
}
