/** Passes as identities of Microsoft Entra ID: secret, certificate and the identity of a pod; tokens live seconds. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { containerClient } from '../support/azure-blob/azure-container.ts';
import { startAzurite } from '../support/azure-blob/azurite-server.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { makeCertificate } from '../support/azure-blob/server-certificate.ts';
import { startTokenServer } from '../support/azure-blob/token-server.ts';
import { peerSuite } from '../support/peers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tranship } from '../support/tranship.ts';

const tenantId = '00000000-0000-0000-0000-00000000000a';
const clientId = '00000000-0000-0000-0000-00000000000b';
const suffix = 'azure.test';
const location = 'azblob://devstoreaccount1/replica/east';

peerSuite(['azurite'], 'tokens of Microsoft Entra ID', ({ azurite }) => {
  /** Azurite over TLS by the account's own host name, and a server of tokens that `refusal` has its say on. */
  async function cloud(t: TestContext, refusal: (form: URLSearchParams) => string | undefined) {
    const folder = temporaryFolder(t);
    const certificate = makeCertificate(folder, [`devstoreaccount1.blob.${suffix}`]);
    const server = await startAzurite(azurite, certificate);
    t.after(() => server.stop());
    const proxy = await startConnectProxy(t, Number(new URL(server.endpoint).port));
    const tokens = await startTokenServer({ certificate, lifetimeSeconds: 3, refusal });
    t.after(() => tokens.stop());
    const env = {
      AZURE_ENDPOINT_SUFFIX: suffix,
      AZURE_AUTHORITY_HOST: tokens.endpoint,
      AZURE_TENANT_ID: tenantId,
      AZURE_CLIENT_ID: clientId,
      HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
      NO_PROXY: '127.0.0.1',
      NODE_EXTRA_CA_CERTS: certificate.certificateFile,
    };
    const source = join(folder, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), randomBytes(1_000_000));
    await containerClient(server, 'replica').create();
    return { folder, certificate, tokens, env, source };
  }

  async function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
    const { code, stderr } = await tranship(args, { env });
    assert.equal(code, 0, `${args[0]}: ${stderr}`);
  }

  it('a service principal’s secret from a file, and its certificate, move a tree', async (t) => {
    const { folder, certificate, tokens, env, source } = await cloud(t, (form) =>
      form.get('client_secret') === 'hunter2' || form.has('client_assertion')
        ? undefined
        : 'AADSTS7000215: Invalid client secret provided.',
    );
    const credentialsFile = join(folder, 'credentials-velero');
    const write = (secret: string): void =>
      writeFileSync(
        credentialsFile,
        `AZURE_TENANT_ID=${tenantId}\nAZURE_CLIENT_ID=${clientId}\nAZURE_CLIENT_SECRET=${secret}\n` +
          `AZURE_CLOUD_NAME=AzurePublicCloud\nAZURE_ENDPOINT_SUFFIX=${suffix}\n` +
          `AZURE_AUTHORITY_HOST=${tokens.endpoint}\n`,
      );
    write('hunter2');
    const fromFile = ['-r', location, '--credentials-file', credentialsFile];
    await run(['init', ...fromFile], env);
    await run(['stage', ...fromFile, source, '--as', '/v'], env);
    const pem = join(folder, 'principal.pem');
    const { certificateFile, keyFile } = certificate;
    writeFileSync(pem, readFileSync(certificateFile, 'utf8') + readFileSync(keyFile, 'utf8'));
    const withCertificate = { ...env, AZURE_CLIENT_CERTIFICATE_PATH: pem };
    await run(
      ['restore', '-r', location, 'latest:/v', '--target', join(folder, 'to'), '--verify'],
      withCertificate,
    );
    assert.ok(
      tokens.granted.some((form) => form.get('client_assertion_type')?.includes('jwt-bearer') === true),
    );

    write('hunter3');
    const wrong = await tranship(['snapshots', ...fromFile], { env });
    assert.match(wrong.stderr, /^tranship: no token from https:.*AADSTS7000215: Invalid client secret.*\n$/);
    assert.ok(wrong.stderr.includes(`AZURE_CLIENT_SECRET in ${credentialsFile}`), wrong.stderr);
    assert.ok(!/hunter|Trace/.test(wrong.stderr), wrong.stderr);
    assert.equal(wrong.code, 1);

    const missing = { ...env, AZURE_CLIENT_CERTIFICATE_PATH: join(folder, 'none.pem') };
    const unread = await tranship(['snapshots', '-r', location], { env: missing });
    assert.match(
      unread.stderr,
      /^tranship: the file that AZURE_CLIENT_CERTIFICATE_PATH in .*none\.pem[^\n]*\n$/,
    );
  });

  it('a pod’s identity lives on while its token file is replaced and Azure’s tokens run out', async (t) => {
    let accepted = 'first';
    const { folder, tokens, env, source } = await cloud(t, (form) =>
      form.get('client_assertion') === accepted ? undefined : 'AADSTS700024: Client assertion has expired.',
    );
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'first\n');
    const pod = { ...env, AZURE_FEDERATED_TOKEN_FILE: tokenFile };
    await run(['init', '-r', location], pod);
    for (let file = 0; file < 12; file += 1)
      writeFileSync(join(source, `large-${file}`), randomBytes(3_000_000));
    const grantedBefore = tokens.granted.length;
    // The store takes a token at once; the next ones need what the file holds by then.
    const staging = tranship(['stage', '-r', location, source, '--as', '/v', '--workers', '1'], { env: pod });
    while (tokens.granted.length === grantedBefore) await new Promise((resolve) => setTimeout(resolve, 20));
    accepted = 'second';
    writeFileSync(tokenFile, 'second\n');
    const { code, stderr } = await staging;
    assert.equal(code, 0, stderr);
    t.diagnostic(`${tokens.granted.length - grantedBefore} tokens for the pass`);
    await run(['check', '-r', location, '--read-data'], pod);
    assert.ok(tokens.granted.some((form) => form.get('client_assertion') === 'second'));
  });
});
