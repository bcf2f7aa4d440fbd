/** The GCS driver and Google's SDK on fake-gcs-server. */
import type { Bucket } from '@google-cloud/storage';
import { GcsDriver } from '../../src/providers/objects/gcs/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { gcsSdk } from '../../test/support/gcs/gcs-bucket.ts';
import { startFakeGcs } from '../../test/support/gcs/gcs-server.ts';
import { peer } from '../../test/support/peers.ts';
import type { Contestant, DriverRace } from './driver-race.ts';

const name = 'bench';

/** With MD5 as ours has it, and in one request: its defaults for this size are slower. */
function plainSdk(bucket: Bucket): Contestant {
  return {
    name: 'SDK',
    put: (key, body) => bucket.file(key).save(body, { resumable: false, validation: 'md5' }),
    get: async (key) => (await bucket.file(key).download({ validation: false }))[0].byteLength,
    close: async () => {},
  };
}

function ourDriver(endpoint: string): Contestant {
  const location = { kind: 'gcs', bucket: name, prefix: '', endpoint, userProject: undefined } as const;
  const store = new ObjectStore(new GcsDriver(location));
  return {
    name: 'tranship',
    put: (key, body, sha256) => store.put(key, body, { sha256 }),
    get: async (key) => (await store.get(key)).byteLength,
    close: () => store.close(),
  };
}

export async function gcsRace(): Promise<DriverRace> {
  const binary = peer('fake-gcs-server');
  if (binary === undefined) throw new Error('fake-gcs-server is not installed; to get it: npm run peers');
  const server = await startFakeGcs(binary);
  const bucket = gcsSdk(server).bucket(name);
  await bucket.create();
  return { contestants: [plainSdk(bucket), ourDriver(server.endpoint)], close: () => server.stop() };
}
