import { peerSuite } from '../peers.ts';
import { running } from '../servers/running.ts';
import { Toxiproxy } from '../servers/toxiproxy.ts';
import { startAzurite } from './azurite-server.ts';
import type { AzuriteServer } from './azurite-server.ts';

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
