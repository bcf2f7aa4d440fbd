import { randomUUID } from 'node:crypto';
import { Storage } from '@google-cloud/storage';
import { GcsDriver } from '../../../src/providers/objects/gcs/driver.ts';
import type { GcsLocation } from '../../../src/providers/objects/gcs/location.ts';
import { formatGcsLocation } from '../../../src/providers/objects/gcs/location.ts';
import type { GcsSettings } from '../../../src/providers/objects/settings.ts';
import type { GcsServer } from './gcs-server.ts';

/** A new bucket of a running server, as our own code and restic are told of it. */
export interface GcsBucket {
  readonly name: string;
  /** For restic: its library takes the endpoint from the environment, and wants a token even there. */
  readonly env: Readonly<Record<string, string>>;
  /** The whole bucket or what is below a prefix; through another endpoint where one is given. */
  readonly location: (prefix?: string, endpoint?: string) => string;
  readonly resticLocation: (prefix?: string) => string;
  /** The bare driver. */
  readonly driver: (settings?: GcsSettings, endpoint?: string) => GcsDriver;
  /** Names of all objects, parts of unfinished uploads included. */
  readonly names: () => Promise<readonly string[]>;
  /** Puts objects past our own code. */
  readonly putForeign: (names: readonly string[]) => Promise<void>;
}

/** A client of the plain SDK, to look at a server's state past our own code. */
export function gcsSdk({ endpoint }: GcsServer): Storage {
  return new Storage({ apiEndpoint: endpoint, projectId: 'test' });
}

export async function newGcsBucket(server: GcsServer): Promise<GcsBucket> {
  const name = `test-${randomUUID()}`;
  const bucket = gcsSdk(server).bucket(name);
  await bucket.create();
  const at = (prefix: string, endpoint = server.endpoint): GcsLocation => ({
    kind: 'gcs',
    bucket: name,
    prefix,
    endpoint,
    userProject: undefined,
  });
  return {
    name,
    env: { STORAGE_EMULATOR_HOST: new URL(server.endpoint).host, GOOGLE_ACCESS_TOKEN: 'none' },
    location: (prefix = '', endpoint) => formatGcsLocation(at(prefix, endpoint)),
    resticLocation: (prefix = '') => `gs:${name}:/${prefix}`,
    driver: (settings, endpoint) => new GcsDriver(at('', endpoint), settings),
    names: async () => (await bucket.getFiles())[0].map((file) => file.name),
    putForeign: async (names) => {
      for (const foreign of names) await bucket.file(foreign).save('x', { resumable: false });
    },
  };
}
