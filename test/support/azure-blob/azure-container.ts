import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { ContainerClient, StorageSharedKeyCredential, newPipeline } from '@azure/storage-blob';
import { AzureBlobDriver } from '../../../src/providers/objects/azure-blob/driver.ts';
import { formatAzureBlobLocation } from '../../../src/providers/objects/azure-blob/location.ts';
import type { AzureBlobLocation } from '../../../src/providers/objects/azure-blob/location.ts';
import type { AzureBlobSettings, StoreSettings } from '../../../src/providers/objects/settings.ts';
import type { AzuriteServer } from './azurite-server.ts';

/** A new container of a running server, as our own code and the SDK are told of it. */
export interface AzureContainer {
  readonly name: string;
  readonly settings: StoreSettings;
  /** For the command line. */
  readonly env: Readonly<Record<string, string>>;
  /** The whole container or what is below a prefix; through another endpoint where one is given. */
  readonly location: (prefix?: string, endpoint?: string) => string;
  /** The bare driver. */
  readonly driver: (settings?: AzureBlobSettings, endpoint?: string) => AzureBlobDriver;
  /** The plain SDK, to look at the container past our own code. */
  readonly client: ContainerClient;
}

export async function newContainer(server: AzuriteServer): Promise<AzureContainer> {
  const name = `test-${randomUUID()}`;
  const { account, accountKey } = server;
  const credentials = { kind: 'account-key', accountKey } as const;
  const at = (prefix: string, endpoint = server.endpoint): AzureBlobLocation => ({
    kind: 'azure-blob',
    account,
    container: name,
    prefix,
    endpoint,
  });
  const client = containerClient(server, name);
  await client.create();
  return {
    name,
    settings: { azureBlob: { credentials } },
    env: { AZURE_ACCOUNT_NAME: account, AZURE_ACCOUNT_KEY: accountKey },
    location: (prefix = '', endpoint) => formatAzureBlobLocation(at(prefix, endpoint)),
    driver: (settings, endpoint) => new AzureBlobDriver(at('', endpoint), { credentials, ...settings }),
    client,
  };
}

/** A client of the plain SDK, which trusts the server's certificate. */
export function containerClient(server: AzuriteServer, name: string): ContainerClient {
  const pipeline = newPipeline(new StorageSharedKeyCredential(server.account, server.accountKey));
  if (server.certificate !== undefined) {
    const agent = new Agent({ ca: readFileSync(server.certificate.certificateFile) });
    pipeline.factories.push({
      create: (next) => ({
        sendRequest: (request) => {
          request.agent = agent;
          return next.sendRequest(request);
        },
      }),
    });
  }
  return new ContainerClient(`${server.endpoint}/${name}`, pipeline);
}

/** The same address of the server through a proxy: `http://HOST:PORT` before the path. */
export function throughProxy(server: AzuriteServer, proxyEndpoint: string): string {
  return `${proxyEndpoint}/${server.account}`;
}
