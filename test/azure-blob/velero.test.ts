/** A container as Velero leaves it, found and read by what Velero was told of it. */
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { newContainer } from '../support/azure-blob/azure-container.ts';
import { startAzurite } from '../support/azure-blob/azurite-server.ts';
import type { AzuriteServer } from '../support/azure-blob/azurite-server.ts';
import { makeCertificate } from '../support/azure-blob/server-certificate.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { peerSuite } from '../support/peers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { assertReadsWhatVeleroLeft, veleroDescription } from '../support/velero-leftovers.ts';

const suffix = 'azure.test';

function description(
  { endpoint, account, accountKey }: AzuriteServer,
  container: string,
  pem: string,
): string {
  return veleroDescription({
    provider: 'azure',
    storage: `bucket: ${container}, caCert: ${Buffer.from(pem).toString('base64')}`,
    config: `resourceGroup: velero, storageAccount: ${account}, storageAccountURI: "${endpoint}",
      storageAccountKeyEnvVar: AZURE_STORAGE_ACCOUNT_ACCESS_KEY`,
    credentials: `AZURE_STORAGE_ACCOUNT_ACCESS_KEY=${accountKey}\nAZURE_CLOUD_NAME=AzurePublicCloud\n`,
  });
}

peerSuite(['azurite', 'restic-newest'], 'the store of a BackupStorageLocation of Azure', (paths) => {
  it('is searched, and a repository that restic left there is read', async (t) => {
    const certificate = makeCertificate(temporaryFolder(t), [`devstoreaccount1.blob.${suffix}`]);
    const server = await startAzurite(paths.azurite, certificate);
    t.after(() => server.stop());
    const container = await newContainer(server);
    // restic reaches an account by its host only.
    const proxy = await startConnectProxy(t, Number(new URL(server.endpoint).port));
    await assertReadsWhatVeleroLeft(t, {
      yaml: description(server, container.name, readFileSync(certificate.certificateFile, 'utf8')),
      restic: {
        binary: paths['restic-newest'],
        repository: `azure:${container.name}:/velero/restic/shop`,
        // Where none is chosen restic names an empty one, which Azurite refuses.
        arguments: ['-o', 'azure.access-tier=Hot'],
        env: {
          ...container.env,
          AZURE_ENDPOINT_SUFFIX: suffix,
          HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
          RESTIC_CACERT: certificate.certificateFile,
        },
        signal: AbortSignal.timeout(120_000),
      },
      plain: {
        location: container.location('velero'),
        env: { ...container.env, NODE_EXTRA_CA_CERTS: certificate.certificateFile },
      },
      secret: server.accountKey,
      putObject: async (key) => {
        await container.client.uploadBlockBlob(key, 'something', 9);
      },
    });
  });
});
