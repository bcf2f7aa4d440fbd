/** What credentials, files and variables come to, and what is said of those that are wrong. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { TranshipError } from '../../../../src/base/errors.ts';
import { resolveAccess } from '../../../../src/providers/objects/azure-blob/access.ts';
import type { AzureBlobLocation } from '../../../../src/providers/objects/azure-blob/location.ts';
import type { AzureBlobSettings } from '../../../../src/providers/objects/settings.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const location: AzureBlobLocation = {
  kind: 'azure-blob',
  account: 'account',
  container: 'container',
  prefix: '',
  endpoint: undefined,
};
const unnamed: AzureBlobLocation = { ...location, account: undefined };
const accountKey = Buffer.from('hunter2-hunter2').toString('base64');
const principal = { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client' };

function fileWith(t: TestContext, lines: readonly string[]): string {
  const path = join(temporaryFolder(t), 'credentials-velero');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

async function failure(settings: AzureBlobSettings, at = location): Promise<TranshipError> {
  try {
    await resolveAccess(at, settings);
  } catch (error) {
    assert.ok(error instanceof TranshipError, String(error));
    assert.ok(!/\n|hunter2/.test(error.message) && !error.message.includes(accountKey), error.message);
    return error;
  }
  return assert.fail('nothing was thrown');
}

describe('credentials', () => {
  const environments: readonly (readonly [Readonly<Record<string, string>>, string, string])[] = [
    [{ AZURE_ACCOUNT_KEY: accountKey }, 'account-key', 'AZURE_ACCOUNT_KEY'],
    [{ AZURE_STORAGE_KEY: accountKey }, 'account-key', 'AZURE_STORAGE_KEY'],
    [
      { AZURE_STORAGE_ACCOUNT_ACCESS_KEY: accountKey, AZURE_ACCOUNT_SAS: 'sig=x' },
      'account-key',
      'AZURE_STORAGE_ACCOUNT_ACCESS_KEY',
    ],
    [{ AZURE_ACCOUNT_KEY: '', AZURE_ACCOUNT_SAS: '?sv=1&sig=x' }, 'sas', 'AZURE_ACCOUNT_SAS'],
    [
      { AZURE_STORAGE_CONNECTION_STRING: `AccountName=account;AccountKey=${accountKey}` },
      'account-key',
      'AZURE_STORAGE_CONNECTION_STRING',
    ],
    [{ ...principal, AZURE_CLIENT_SECRET: 's' }, 'client-secret', 'AZURE_CLIENT_SECRET'],
    [
      { ...principal, AZURE_CLIENT_CERTIFICATE_PATH: '/c.pem', AZURE_FEDERATED_TOKEN_FILE: '/t' },
      'client-certificate',
      'AZURE_CLIENT_CERTIFICATE_PATH',
    ],
    [{ ...principal, AZURE_FEDERATED_TOKEN_FILE: '/t' }, 'workload-identity', 'AZURE_FEDERATED_TOKEN_FILE'],
  ];
  for (const [environment, kind, name] of environments) {
    it(`of ${Object.keys(environment).join(', ')} are the ${kind}`, async () => {
      const access = await resolveAccess(location, { environment });
      assert.equal(access.credentials.kind, kind);
      assert.equal(access.source, `${name} in the environment`);
      assert.equal(access.endpoint, 'https://account.blob.core.windows.net');
    });
  }

  it('of a file go before those of the environment, and are read as Velero writes them', async (t) => {
    const credentialsFile = fileWith(t, [
      'AZURE_SUBSCRIPTION_ID=00000000-0000-0000-0000-000000000000',
      'AZURE_TENANT_ID="tenant"',
      'export AZURE_CLIENT_ID=client',
      '# a comment',
      "AZURE_CLIENT_SECRET='se#cret'",
      'AZURE_RESOURCE_GROUP=group',
      'AZURE_CLOUD_NAME=AzureUSGovernmentCloud',
    ]);
    for (const settings of [
      { credentialsFile, environment: { AZURE_ACCOUNT_KEY: accountKey } },
      { environment: { AZURE_CREDENTIALS_FILE: credentialsFile, AZURE_ACCOUNT_KEY: accountKey } },
    ]) {
      assert.deepEqual(await resolveAccess(location, settings), {
        account: 'account',
        endpoint: 'https://account.blob.core.usgovcloudapi.net',
        credentials: {
          kind: 'client-secret',
          tenantId: 'tenant',
          clientId: 'client',
          clientSecret: 'se#cret',
        },
        source: `AZURE_CLIENT_SECRET in ${credentialsFile}`,
        authorityHost: 'https://login.microsoftonline.us',
      });
    }
  });

  it('of a pod are joined with the rest in a file', async (t) => {
    const credentialsFile = fileWith(t, ['AZURE_RESOURCE_GROUP=group', 'AZURE_CLOUD_NAME=azurechinacloud']);
    const environment = { ...principal, AZURE_FEDERATED_TOKEN_FILE: '/token', AZURE_ACCOUNT_KEY: accountKey };
    const access = await resolveAccess(location, { credentialsFile, environment });
    assert.equal(access.credentials.kind, 'workload-identity');
    assert.equal(access.endpoint, 'https://account.blob.core.chinacloudapi.cn');
    assert.equal(access.authorityHost, 'https://login.chinacloudapi.cn');
  });

  it('of a connection string bring its account and its endpoint', async () => {
    const read = (connectionString: string) =>
      resolveAccess(unnamed, { credentials: { kind: 'connection-string', connectionString } });
    const key = `AccountKey=${accountKey}`;
    assert.equal(
      (
        await read(
          `DefaultEndpointsProtocol=https;AccountName=mine;${key};EndpointSuffix=core.chinacloudapi.cn`,
        )
      ).endpoint,
      'https://mine.blob.core.chinacloudapi.cn',
    );
    const signed = await read(
      'BlobEndpoint=https://mine.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=a%3D',
    );
    assert.deepEqual(
      [signed.account, signed.endpoint, signed.credentials],
      ['mine', 'https://mine.blob.core.windows.net', { kind: 'sas', sas: 'sv=1&sig=a%3D' }],
    );
    const development = await read('UseDevelopmentStorage=true');
    assert.deepEqual(
      [development.account, development.endpoint],
      ['devstoreaccount1', 'http://127.0.0.1:10000/devstoreaccount1'],
    );
  });

  it('of settings need nothing else, and the location’s endpoint goes before all others', async () => {
    const settings = {
      credentials: { kind: 'account-key', accountKey },
      endpoint: 'https://configured.example/',
      environment: { AZURE_ENDPOINT_SUFFIX: 'example' },
    } as const;
    assert.equal((await resolveAccess(location, settings)).endpoint, 'https://configured.example');
    const endpoint = 'http://127.0.0.1:10000/account';
    assert.equal((await resolveAccess({ ...location, endpoint }, settings)).endpoint, endpoint);
    const { environment } = settings;
    const named = { ...environment, AZURE_ACCOUNT_KEY: accountKey, AZURE_ACCOUNT_NAME: 'named' };
    assert.equal(
      (await resolveAccess(unnamed, { environment: named })).endpoint,
      'https://named.blob.example',
    );
  });
});

describe('what is wrong is said in one line, with its place and without the secret', () => {
  const wrong: readonly (readonly [string, AzureBlobSettings, RegExp])[] = [
    [
      'nothing at all',
      {},
      /no credentials were found.*: azblob:\/\/account\/container \(set AZURE_ACCOUNT_KEY/,
    ],
    [
      'a key that is no base64',
      { environment: { AZURE_ACCOUNT_KEY: 'hunter2!' } },
      /the account key is not base64: AZURE_ACCOUNT_KEY in the environment/,
    ],
    [
      'a key of settings that was cut short',
      { credentials: { kind: 'account-key', accountKey: accountKey.slice(1) } },
      /not base64: credentials in the settings/,
    ],
    [
      'a signature without its signature',
      { environment: { AZURE_ACCOUNT_SAS: 'sv=2020-01-01' } },
      /lacks sig=: AZURE_ACCOUNT_SAS in the environment/,
    ],
    [
      'a secret without its tenant',
      { environment: { AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: 'hunter2' } },
      /AZURE_TENANT_ID is missing beside AZURE_CLIENT_SECRET: the environment/,
    ],
    [
      'a cloud of no name',
      { environment: { AZURE_ACCOUNT_KEY: accountKey, AZURE_CLOUD_NAME: 'AzureGermanCloud' } },
      /no cloud.*: AZURE_CLOUD_NAME in the environment \(.*AzurePublicCloud, AzureUSGovernmentCloud and AzureChinaC/,
    ],
    [
      'an endpoint of another scheme',
      { endpoint: 'ftp://host', credentials: { kind: 'account-key', accountKey } },
      /endpoint must begin with http:\/\/ or https:\/\//,
    ],
    [
      'plain HTTP over a network',
      { endpoint: 'http://blobs.example:10000/a', credentials: { kind: 'account-key', accountKey } },
      /speaks plain HTTP: http:\/\/blobs\.example.*--allow-http/,
    ],
    [
      'a token over plain HTTP',
      {
        endpoint: 'http://127.0.0.1:10000/a',
        environment: { ...principal, AZURE_CLIENT_SECRET: 'hunter2' },
      },
      /tokens are not sent over plain HTTP: http:\/\/127/,
    ],
    [
      'a file that is not there',
      { credentialsFile: '/nowhere/file' },
      /file does not exist: \/nowhere\/file/,
    ],
  ];
  for (const [name, settings, message] of wrong) {
    it(name, async () => assert.match((await failure(settings)).message, message));
  }

  const strings: readonly (readonly [string, RegExp])[] = [
    ['hunter2', /part 1 is no Name=value/],
    [`AccountName=account;${accountKey}`, /part 2 is no Name=value/],
    [`AccountKey=${accountKey}`, /lacks AccountName/],
    ['AccountName=account', /lacks AccountKey or SharedAccessSignature/],
    ['AccountName=account;AccountKey=', /AccountKey is empty/],
    ['AccountName=account;AccountKey=hunter2!', /account key is not base64/],
    [`AccountName=account;AccountKey=${accountKey};BlobEndpoint=hunter2`, /BlobEndpoint is no URL/],
    [`DefaultEndpointsProtocol=http;AccountName=account;AccountKey=${accountKey}`, /Protocol is not https/],
    [`AccountName=other;AccountKey=${accountKey}`, /is of account other.*the location names account/],
  ];
  for (const [connectionString, message] of strings) {
    it(`a connection string such as ${connectionString.replaceAll(/hunter2!?|aHV\S*/g, '...')}`, async () => {
      const error = await failure({ environment: { AZURE_STORAGE_CONNECTION_STRING: connectionString } });
      assert.match(error.message, message);
      assert.match(error.message, /AZURE_STORAGE_CONNECTION_STRING in the environment/);
    });
  }

  it('a file that lacks a field, or has no credentials', async (t) => {
    const credentialsFile = fileWith(t, ['AZURE_CLIENT_SECRET=hunter2', 'AZURE_TENANT_ID=tenant']);
    const missing = await failure({ credentialsFile });
    assert.ok(
      missing.message.startsWith(
        `AZURE_CLIENT_ID is missing beside AZURE_CLIENT_SECRET: ${credentialsFile} `,
      ),
      missing.message,
    );
    const empty = fileWith(t, ['AZURE_TENANT_ID=tenant', 'AZURE_CLIENT_ID=client']);
    const { message, code } = await failure({
      credentialsFile: empty,
      environment: { AZURE_ACCOUNT_KEY: accountKey },
    });
    assert.equal(code, 'unauthenticated');
    assert.ok(message.startsWith(`the credentials file holds no credentials: ${empty} (`), message);
  });

  it('an account that nobody names', async () => {
    const settings = { credentials: { kind: 'account-key', accountKey } } as const;
    assert.match((await failure(settings, unnamed)).message, /no storage account.*AZURE_ACCOUNT_NAME/);
  });
});
