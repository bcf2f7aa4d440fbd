/** A bucket as Velero leaves it, found and read by what Velero was told of it. */
import { it } from 'node:test';
import { newGcsBucket } from '../support/gcs/gcs-bucket.ts';
import { startFakeGcs } from '../support/gcs/gcs-server.ts';
import { TokenServer } from '../support/gcs/token-server.ts';
import { peerSuite } from '../support/peers.ts';
import { startRefusingProxy } from '../support/servers/refusing-proxy.ts';
import { assertReadsWhatVeleroLeft, veleroDescription } from '../support/velero-leftovers.ts';

peerSuite(['fake-gcs-server', 'restic-newest'], 'the store of a BackupStorageLocation of Google', (paths) => {
  it('is searched, and a repository that restic left there is read, with tokens of the Secret', async (t) => {
    const server = await startFakeGcs(paths['fake-gcs-server']);
    t.after(() => server.stop());
    const tokens = await TokenServer.start(60_000);
    t.after(() => tokens.stop());
    const bucket = await newGcsBucket(server);
    // The server itself asks nobody for a token.
    const guarded = await startRefusingProxy(server.endpoint, tokens.guard);
    t.after(() => guarded.stop());
    await assertReadsWhatVeleroLeft(t, {
      yaml: veleroDescription({
        provider: 'gcp',
        storage: `bucket: ${bucket.name}`,
        config: `storeEndpoint: "${guarded.endpoint}"`,
        credentials: JSON.stringify(tokens.serviceAccount),
      }),
      restic: {
        binary: paths['restic-newest'],
        repository: bucket.resticLocation('velero/restic/shop'),
        env: bucket.env,
      },
      plain: { location: bucket.location('velero'), env: {} },
      secret: tokens.serviceAccount.private_key.slice(100, 150),
      putObject: (key) => bucket.putForeign([key]),
    });
  });
});
