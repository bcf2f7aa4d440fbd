import { peerSuite } from '../peers.ts';
import { startCeph } from './ceph-server.ts';
import type { S3Server } from './s3-server.ts';
import { Toxiproxy } from '../servers/toxiproxy.ts';
import { running } from '../servers/running.ts';
import { startVersitygw } from './versitygw-server.ts';

const servers = [
  { peer: 'versitygw', start: startVersitygw },
  { peer: 'ceph', start: startCeph },
] as const;

/** A suite for each S3 server of the catalogue, under the rules of `peerSuite`; one server serves all its tests. */
export function s3Suite(title: string, fn: (server: () => S3Server) => void): void {
  for (const { peer, start } of servers) {
    peerSuite([peer], `${title}: ${peer}`, (paths) => fn(running(() => start(paths[peer]))));
  }
}

/** The same with toxiproxy at hand: `toxiproxy().proxy(server().endpoint)`. */
export function s3FaultSuite(
  title: string,
  fn: (server: () => S3Server, toxiproxy: () => Toxiproxy) => void,
): void {
  for (const { peer, start } of servers) {
    peerSuite([peer, 'toxiproxy'], `${title}: ${peer}`, (paths) => {
      fn(
        running(() => start(paths[peer])),
        running(() => Toxiproxy.start(paths.toxiproxy)),
      );
    });
  }
}
