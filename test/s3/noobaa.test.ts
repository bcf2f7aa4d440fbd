/** What NooBaa's gateway lacks by its documentation, where a bucket stands on Azure: a proxy refuses it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { openDriver } from '../../src/providers/objects/open.ts';
import { checkConformance } from '../../src/providers/objects/conformance.ts';
import { assertRestores, checkWell, stageWell } from '../interop/own-pass.ts';
import { peerSuite } from '../support/peers.ts';
import { initInBucket } from '../support/s3/bucket-repository.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import { running } from '../support/servers/running.ts';
import { startRefusingProxy } from '../support/servers/refusing-proxy.ts';
import type { RefusalRule } from '../support/servers/refusing-proxy.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const lacking: RefusalRule = ({ method, url = '', headers }) => {
  const query = new URL(url, 'http://server').searchParams;
  const lacks =
    query.has('location') ||
    (method === 'POST' && query.has('delete')) ||
    (method === 'GET' && query.has('uploads')) ||
    headers['x-amz-object-lock-mode'] !== undefined;
  return lacks ? [501, 'NotImplemented'] : undefined;
};

peerSuite(['versitygw'], 'a gateway that lacks what NooBaa does', ({ versitygw }) => {
  const server = running(() => startVersitygw(versitygw));

  it('keeps all that a driver must guarantee', async (t) => {
    const bucket = await newBucket(server());
    const proxy = await startRefusingProxy(server().endpoint, lacking);
    t.after(() => proxy.stop());
    const driver = await openDriver(bucket.location('tried', proxy.endpoint), { settings: bucket.settings });
    t.after(() => driver.close());
    for await (const { name, outcome } of checkConformance(driver, { manyObjects: 30 })) {
      assert.notEqual(outcome, 'failed', name);
    }
    assert.ok(proxy.counts.refused > 0);
  });

  it('serves passes', async (t) => {
    const bucket = await newBucket(server());
    const proxy = await startRefusingProxy(server().endpoint, lacking);
    t.after(() => proxy.stop());
    const source = join(temporaryFolder(t), 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'contents');
    const repository = await initInBucket(bucket, { prefix: 'volumes', endpoint: proxy.endpoint });
    const { snapshotId } = await stageWell(repository, { paths: [source], storeAs: '/data' });
    await assertRestores(repository, `${snapshotId}:/data`, source, join(temporaryFolder(t), 'target'));
    await checkWell(repository);
    await repository.store.close();
  });
});
