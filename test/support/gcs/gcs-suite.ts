import { peerSuite } from '../peers.ts';
import { running } from '../servers/running.ts';
import { Toxiproxy } from '../servers/toxiproxy.ts';
import { startFakeGcs } from './gcs-server.ts';
import type { GcsServer } from './gcs-server.ts';

/** A suite on a GCS server, under the rules of `peerSuite`; one server serves all its tests. */
export function gcsSuite(title: string, fn: (server: () => GcsServer) => void): void {
  peerSuite(['fake-gcs-server'], title, (paths) => {
    fn(running(() => startFakeGcs(paths['fake-gcs-server'])));
  });
}

/** The same with toxiproxy at hand: `toxiproxy().proxy(server().endpoint)`. */
export function gcsFaultSuite(
  title: string,
  fn: (server: () => GcsServer, toxiproxy: () => Toxiproxy) => void,
): void {
  peerSuite(['fake-gcs-server', 'toxiproxy'], title, (paths) => {
    fn(
      running(() => startFakeGcs(paths['fake-gcs-server'])),
      running(() => Toxiproxy.start(paths.toxiproxy)),
    );
  });
}
