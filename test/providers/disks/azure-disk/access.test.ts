import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { DiskError, UsageError } from '../../../../src/base/errors.ts';
import { resolveAccess } from '../../../../src/providers/disks/azure-disk/access.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const subscription = '11111111-aaaa-4bbb-8ccc-111111111111';
const principal = ['AZURE_TENANT_ID=tenant', 'AZURE_CLIENT_ID=client'];
const secret = [...principal, 'AZURE_CLIENT_SECRET=secret', `AZURE_SUBSCRIPTION_ID=${subscription}`];

describe('as whom Azure’s management is asked', () => {
  it('a service principal of Velero’s credentials file, beside the key of a storage account', async (t) => {
    const credentialsFile = join(temporaryFolder(t), 'credentials-velero');
    const lines = ['AZURE_STORAGE_ACCOUNT_ACCESS_KEY=a2V5', 'AZURE_RESOURCE_GROUP=group', ...secret];
    writeFileSync(credentialsFile, `${lines.join('\n')}\n`);
    assert.deepEqual(await resolveAccess({ credentialsFile }), {
      subscription,
      endpoint: 'https://management.azure.com',
      scope: 'https://management.azure.com/.default',
      credentials: { kind: 'client-secret', tenantId: 'tenant', clientId: 'client', clientSecret: 'secret' },
      source: `AZURE_CLIENT_SECRET in ${credentialsFile}`,
      authorityHost: 'https://login.microsoftonline.com',
    });
  });

  it('a certificate, and the identity of a pod', async () => {
    const certificate = [
      ...principal,
      'AZURE_CLIENT_CERTIFICATE_PATH=/c.pem',
      `AZURE_SUBSCRIPTION_ID=${subscription}`,
    ];
    const { credentials } = await resolveAccess({ credentialsText: certificate.join('\n') });
    assert.equal(credentials.kind, 'client-certificate');
    const environment = {
      AZURE_TENANT_ID: 'tenant',
      AZURE_CLIENT_ID: 'client',
      AZURE_FEDERATED_TOKEN_FILE: '/token',
      AZURE_AUTHORITY_HOST: 'https://login.example/',
    };
    const credentialsText = `AZURE_SUBSCRIPTION_ID=${subscription.toUpperCase()}`;
    const pod = await resolveAccess({ credentialsText, environment });
    assert.equal(pod.credentials.kind, 'workload-identity');
    assert.equal(pod.authorityHost, 'https://login.example/');
    assert.equal(pod.subscription, subscription);
  });

  it('in each of Microsoft’s clouds', async () => {
    const clouds = {
      AzureUSGovernmentCloud: ['https://management.usgovcloudapi.net', 'https://login.microsoftonline.us'],
      AzureChinaCloud: ['https://management.chinacloudapi.cn', 'https://login.chinacloudapi.cn'],
    };
    for (const [name, [management, login]] of Object.entries(clouds)) {
      const credentialsText = [...secret, `AZURE_CLOUD_NAME=${name}`].join('\n');
      const { endpoint, scope, authorityHost } = await resolveAccess({ credentialsText });
      assert.deepEqual([endpoint, scope, authorityHost], [management, `${management}/.default`, login]);
    }
  });

  it('settings go before the file', async () => {
    const settings = {
      subscriptionId: subscription.replaceAll('1', '2'),
      endpoint: 'https://127.0.0.1:8443/',
    };
    const access = await resolveAccess({ credentialsText: secret.join('\n'), ...settings });
    assert.equal(access.subscription, settings.subscriptionId);
    assert.equal(access.endpoint, 'https://127.0.0.1:8443');
    assert.equal(access.scope, 'https://management.azure.com/.default');
  });

  it('says what is missing or wrong, and where', async () => {
    const credentialsText = secret.join('\n');
    await assert.rejects(resolveAccess({ environment: { AZURE_STORAGE_KEY: 'a2V5' } }), (error) => {
      assert.ok(error instanceof DiskError && error.code === 'unauthenticated');
      return /AZURE_CLIENT_SECRET/.test(error.advice ?? '');
    });
    const cases: readonly (readonly [Parameters<typeof resolveAccess>[0], RegExp])[] = [
      [{ credentialsText: secret.slice(0, 3).join('\n') }, /no subscription of Azure is named/],
      [{ credentialsText, subscriptionId: 'mine' }, /the subscription in the settings/],
      [{ credentialsText, endpoint: 'http://127.0.0.1:1' }, /tokens are not sent over plain HTTP/],
      [{ credentialsText: `${credentialsText}\nAZURE_CLOUD_NAME=Mars` }, /no cloud has this name/],
    ];
    for (const [settings, message] of cases) {
      await assert.rejects(resolveAccess(settings), (error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, message);
        return true;
      });
    }
  });
});
