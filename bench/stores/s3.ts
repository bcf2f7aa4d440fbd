import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { createBucket, s3Client } from '../../test/support/s3/s3-client.ts';
import type { S3Server } from '../../test/support/s3/s3-server.ts';
import type { Proxy } from '../../test/support/servers/toxiproxy.ts';
import { Toxiproxy } from '../../test/support/servers/toxiproxy.ts';
import { startVersitygw } from '../../test/support/s3/versitygw-server.ts';
import { peerProgram } from '../programs/catalogue.ts';
import { startCountingProxy } from './counting-proxy.ts';
import type { OpenStore, Store, StoreOptions } from './store.ts';

/** The server that stands for S3. Another one is a peer of the catalogue and a function like this one's. */
const server = { peer: 'versitygw', start: startVersitygw } as const;

/** What a network adds, both ways together. */
export interface Network {
  readonly roundTripMs: number;
  readonly megabitsPerSecond?: number;
}

/** A server on loopback, and where a network is given toxiproxy before it. */
export function s3(name: string, about: string, network?: Network): Store {
  const peers = network === undefined ? [server.peer] : ([server.peer, 'toxiproxy'] as const);
  return {
    name,
    about,
    kind: 's3',
    absent: () => peers.map(absence).find((reason) => reason !== undefined),
    open: (options) => open(options, network),
  };
}

function absence(peer: 'versitygw' | 'toxiproxy'): string | undefined {
  const found = peerProgram(peer);
  return 'absent' in found ? found.absent : undefined;
}

function binaryOf(peer: 'versitygw' | 'toxiproxy'): string {
  const found = peerProgram(peer);
  if ('absent' in found) throw new Error(found.absent);
  return found.binary;
}

async function open({ isCounted }: StoreOptions, network: Network | undefined): Promise<OpenStore> {
  const running = await server.start(binaryOf(server.peer));
  const stops = [() => running.stop()];
  const close = async (): Promise<void> => {
    for (const stop of stops.toReversed()) await stop();
  };
  try {
    const { region, accessKeyId, secretAccessKey } = running;
    const bucket = await createBucket(running);
    let { endpoint } = running;
    if (network !== undefined) {
      const toxiproxy = await Toxiproxy.start(binaryOf('toxiproxy'));
      stops.push(() => toxiproxy.stop());
      endpoint = await shapedEndpoint(await toxiproxy.proxy(endpoint), network);
    }
    const counter = isCounted ? await startCountingProxy(endpoint) : undefined;
    if (counter !== undefined) stops.push(counter.stop);
    return {
      location: {
        kind: 's3',
        endpoint: counter?.endpoint ?? endpoint,
        bucket,
        region,
        accessKeyId,
        secretAccessKey,
      },
      repositoryBytes: () => bytesIn(running, bucket),
      leaveCache: undefined,
      takeTraffic: counter?.take,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** All of the round trip on the way back: toxiproxy delays each piece, and the sum is what a request waits for. */
async function shapedEndpoint(proxy: Proxy, { roundTripMs, megabitsPerSecond }: Network): Promise<string> {
  await proxy.addToxic('latency', { latency: roundTripMs, jitter: 0 });
  if (megabitsPerSecond !== undefined) {
    const rate = Math.round((megabitsPerSecond * 1e6) / 8 / 1000);
    for (const stream of ['upstream', 'downstream'] as const) {
      await proxy.addToxic('bandwidth', { rate }, { stream });
    }
  }
  return proxy.endpoint;
}

async function bytesIn(running: S3Server, bucket: string): Promise<number> {
  const client = s3Client(running);
  try {
    let bytes = 0;
    let token: string | undefined;
    do {
      const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }));
      for (const { Size = 0 } of page.Contents ?? []) bytes += Size;
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return bytes;
  } finally {
    client.destroy();
  }
}
