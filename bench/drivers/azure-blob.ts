/** The Azure driver and Microsoft's SDK on Azurite. */
import type { ContainerClient } from '@azure/storage-blob';
import { createHash } from 'node:crypto';
import { withRetry } from '../../src/providers/objects/retry.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { newContainer } from '../../test/support/azure-blob/azure-container.ts';
import { startAzurite } from '../../test/support/azure-blob/azurite-server.ts';
import { peer } from '../../test/support/peers.ts';
import type { Contestant, DriverRace } from './driver-race.ts';

/** With MD5 as ours has it, in one request. */
function plainSdk(container: ContainerClient): Contestant {
  return {
    name: 'SDK',
    put: async (key, body) => {
      const transactionalContentMD5 = createHash('md5').update(body).digest();
      await container.getBlockBlobClient(key).upload(body, body.byteLength, { transactionalContentMD5 });
    },
    get: async (key) => (await container.getBlobClient(key).downloadToBuffer()).byteLength,
    close: async () => {},
  };
}

function ourDriver(store: ObjectStore): Contestant {
  return {
    name: 'tranship',
    put: (key, body, sha256) => store.put(key, body, { sha256 }),
    get: async (key) => (await store.get(key)).byteLength,
    close: () => store.close(),
  };
}

export async function azureBlobRace(): Promise<DriverRace> {
  const binary = peer('azurite');
  if (binary === undefined) throw new Error('azurite is not installed; to get it: npm run peers');
  const server = await startAzurite(binary);
  const { client, driver } = await newContainer(server);
  // The SDK tries again too, where the server has closed a connection between two turns.
  const contestants = [plainSdk(client), ourDriver(new ObjectStore(withRetry(driver())))];
  return { contestants, close: () => server.stop() };
}
