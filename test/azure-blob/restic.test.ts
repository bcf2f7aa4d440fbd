/** restic at the same container, as the account's host would be reached: by its name, over TLS. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeForest, mutateForest } from '../interop/forest.ts';
import { assertSameTree } from '../interop/own-pass.ts';
import { lostAspects } from '../interop/peer-limits.ts';
import { startAzurite } from '../support/azure-blob/azurite-server.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { makeCertificate } from '../support/azure-blob/server-certificate.ts';
import { peerSuite } from '../support/peers.ts';
import { Restic } from '../support/restic.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { message, tranship } from '../support/tranship.ts';

const suffix = 'azure.test';
const treesInForest = 3;

peerSuite(['azurite', 'restic-newest'], 'restic and tranship at one container of Azure', (paths) => {
  it('read, check and continue what the other wrote, under the same location', async (t) => {
    const folder = temporaryFolder(t);
    const [source, target] = [join(folder, 'source'), join(folder, 'target')];
    const certificate = makeCertificate(folder, [`devstoreaccount1.blob.${suffix}`]);
    const server = await startAzurite(paths.azurite, certificate);
    t.after(() => server.stop());
    const proxy = await startConnectProxy(t, Number(new URL(server.endpoint).port));
    const env = {
      AZURE_ACCOUNT_NAME: server.account,
      AZURE_ACCOUNT_KEY: server.accountKey,
      AZURE_ENDPOINT_SUFFIX: suffix,
      HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
      NODE_EXTRA_CA_CERTS: certificate.certificateFile,
      RESTIC_CACERT: certificate.certificateFile,
    };
    const location = 'azure:replica:/clusters/east';
    const restic = new Restic({
      binary: paths['restic-newest'],
      repository: location,
      // Where none is chosen restic names an empty one, which Azurite refuses.
      arguments: ['-o', 'azure.access-tier=Hot'],
      env,
      // It would try again for a quarter of an hour.
      signal: AbortSignal.timeout(120_000),
    });
    const ours = async (args: readonly string[]) => {
      const result = await tranship(['-r', location, ...args], { env });
      assert.equal(result.code, 0, `${args[0]}: ${result.stderr}`);
      return result;
    };
    // It makes the container too, which tranship leaves to its owner.
    await restic.init();
    makeForest(source, 7, treesInForest);
    await restic.backup([source]);
    const staged = message((await ours(['stage', source, '--json'])).stdout, 'summary');
    assert.equal(staged['data_blobs'], 0, 'what restic had stored was stored again');
    mutateForest(source, 8, treesInForest);
    await ours(['stage', source]);
    await restic.check();
    const ignore = lostAspects(source, ['restic-newest']);
    const [last] = (await restic.snapshots()).slice(-1);
    assert.ok(last !== undefined);
    mkdirSync(target);
    await restic.restore(last.id, target);
    assertSameTree(source, join(target, source), 'restic restored', { ignore });
    removeTree(target);
    await restic.backup([source]);
    await ours(['restore', `latest:${source}`, '--target', target, '--verify']);
    assertSameTree(source, target, 'we restored', { ignore });
    await ours(['check', '--read-data']);
    const asked = new Set(proxy.asked.map(({ line }) => line));
    assert.deepEqual([...asked], [`CONNECT devstoreaccount1.blob.${suffix}:443`]);
  });
});
