/** The command line on a container: what a new user does, and what goes wrong on the way there. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { it } from 'node:test';
import {
  ContainerSASPermissions,
  StorageSharedKeyCredential,
  generateBlobSASQueryParameters,
} from '@azure/storage-blob';
import { newContainer } from '../support/azure-blob/azure-container.ts';
import { startAzurite } from '../support/azure-blob/azurite-server.ts';
import type { AzuriteServer } from '../support/azure-blob/azurite-server.ts';
import { peerSuite } from '../support/peers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tranship } from '../support/tranship.ts';
import type { TranshipResult } from '../support/tranship.ts';

const hourMs = 3_600_000;

function signature(
  server: AzuriteServer,
  containerName: string,
  permissions: string,
  lastsMs = hourMs,
): string {
  const values = {
    containerName,
    permissions: ContainerSASPermissions.parse(permissions),
    startsOn: new Date(Date.now() - 2 * hourMs),
    expiresOn: new Date(Date.now() + lastsMs),
  };
  const credential = new StorageSharedKeyCredential(server.account, server.accountKey);
  return generateBlobSASQueryParameters(values, credential).toString();
}

function assertOneLine(result: TranshipResult, code: number, message: RegExp): void {
  assert.match(result.stderr, message);
  assert.match(result.stderr, /^tranship: [^\n]*\n$/, 'more than one line');
  assert.doesNotMatch(result.stderr, /sig=|Eby8vdM02xNOcqFl|hunter2/);
  assert.equal(result.code, code);
}

peerSuite(['azurite'], 'the command line over Azure Blob Storage', ({ azurite }) => {
  it('moves a tree by key, signature, connection string and file, under both forms of location', async (t) => {
    const server = await startAzurite(azurite);
    t.after(() => server.stop());
    const container = await newContainer(server);
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'source'));
    writeFileSync(join(folder, 'source/file'), 'contents');
    const { account, accountKey, endpoint } = server;
    const credentialsFile = join(folder, 'credentials-velero');
    writeFileSync(
      credentialsFile,
      `AZURE_STORAGE_ACCOUNT_ACCESS_KEY=${accountKey}\nAZURE_CLOUD_NAME=AzurePublicCloud\n`,
    );
    const connection = `AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${endpoint}`;
    const r = ['-r', container.location('east')];
    const restics = ['-r', `azure:${container.name}:/east`];
    const steps: readonly (readonly [readonly string[], Readonly<Record<string, string>>])[] = [
      [['init', ...r], container.env],
      [
        ['stage', ...r, join(folder, 'source'), '--as', '/v'],
        { AZURE_ACCOUNT_SAS: signature(server, container.name, 'racwdl') },
      ],
      [
        ['restore', ...restics, 'latest:/v', '--target', join(folder, 'target'), '--verify'],
        { AZURE_STORAGE_CONNECTION_STRING: connection },
      ],
      [['check', ...r, '--read-data', '--credentials-file', credentialsFile], {}],
      [['unlock', ...r], { AZURE_CREDENTIALS_FILE: credentialsFile }],
    ];
    for (const [args, env] of steps) {
      const { code, stderr, stdout } = await tranship(args, { env });
      assert.equal(code, 0, `${args[0]}: ${stderr}`);
      assert.ok(!stdout.includes(accountKey) && !stderr.includes(accountKey));
    }
  });

  it('says in one line what is wrong with an account, a key, a signature or an endpoint', async (t) => {
    const server = await startAzurite(azurite);
    t.after(() => server.stop());
    const container = await newContainer(server);
    const { env, name } = container;
    const location = container.location();
    const web = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>It works!</html>');
    });
    await new Promise<void>((resolve) => {
      web.listen(0, '127.0.0.1', resolve);
    });
    t.after(() => web.close());
    const address = web.address();
    assert.ok(typeof address === 'object' && address !== null);
    const at = (where: string, more: Readonly<Record<string, string>> = {}) =>
      tranship(['snapshots', '-r', where], { env: { ...env, ...more } });
    const signed = (sas: string) => tranship(['init', '-r', location], { env: { AZURE_ACCOUNT_SAS: sas } });

    assertOneLine(await at(location), 10, /there is no repository/);
    assertOneLine(
      await tranship(['init', '-r', location.replace(name, 'never-made')], { env }),
      1,
      /the container does not exist: azblob:\/\/devstoreaccount1\/never-made.*\(create it/,
    );
    assertOneLine(
      await at(location, { AZURE_ACCOUNT_KEY: Buffer.from('hunter2').toString('base64') }),
      1,
      /account key is not one of the account’s.*check AZURE_ACCOUNT_KEY in the environment/,
    );
    assertOneLine(
      await at(location, { AZURE_ACCOUNT_KEY: 'hunter2' }),
      2,
      /not base64: AZURE_ACCOUNT_KEY in the env/,
    );
    assertOneLine(await at(location.replaceAll('devstoreaccount1', 'devstoreaccount2')), 1, /account/);
    assertOneLine(
      await tranship(['snapshots', '-r', location]),
      1,
      /no credentials were found.*AZURE_ACCOUNT_KEY/,
    );
    assertOneLine(await signed(signature(server, name, 'racwdl', -hourMs)), 1, /signature has expired at 20/);
    assertOneLine(await signed(signature(server, name, 'rl')), 1, /do not allow this request.*sp=racwdl/);
    assertOneLine(
      await at(location, { AZURE_CLOUD_NAME: 'AzureMoonCloud' }),
      2,
      /AZURE_CLOUD_NAME.*AzurePublicCloud/,
    );
    assertOneLine(
      await at(location, { AZURE_CREDENTIALS_FILE: '/nowhere/credentials' }),
      2,
      /credentials file does not exist: \/nowhere\/credentials/,
    );
    assertOneLine(
      await at(container.location('', `http://127.0.0.1:${address.port}/account`)),
      1,
      /answered with a web page/,
    );
    assertOneLine(await at(container.location('', 'ftp://127.0.0.1/account')), 2, /must begin with http/);
    assertOneLine(
      await at(container.location('', 'http://blobs.example.invalid:10000/account')),
      2,
      /plain HTTP.*--allow-http/,
    );
    assertOneLine(
      await tranship(['snapshots', '-r', `azure:${name}:/`], {
        env: { AZURE_STORAGE_CONNECTION_STRING: 'AccountName=devstoreaccount1;AccountKey' },
      }),
      2,
      /connection string is malformed: part 2 is no Name=value/,
    );
  });
});
