/** Bandwidth that is held back on Google’s and Azure’s stores: nothing fails by it, and nothing seems silent. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import type { RetryEvent } from '../../../src/providers/objects/attempts.ts';
import { openStore } from '../../../src/providers/objects/open.ts';
import type { OpenStoreOptions } from '../../../src/providers/objects/open.ts';
import { newContainer } from '../../support/azure-blob/azure-container.ts';
import { azureSuite } from '../../support/azure-blob/azure-suite.ts';
import { newGcsBucket } from '../../support/gcs/gcs-bucket.ts';
import { gcsSuite } from '../../support/gcs/gcs-suite.ts';

/** A slice of a body is held back for longer than this. */
const idleTimeoutMs = 1000;
const bytesPerSecond = 12_000;
const title = 'the idle limit does not fire while a limit of bandwidth holds a body back';

async function putAndGet(location: string, settings: OpenStoreOptions['settings']): Promise<void> {
  const failures: string[] = [];
  const store = await openStore(location, {
    settings,
    limits: { uploadRate: bytesPerSecond, downloadRate: bytesPerSecond },
    onRetry: ({ error }: RetryEvent) => void failures.push(error.message),
  });
  const body = randomBytes(40_000);
  await store.put('body', body);
  await store.putLarge('parts', [body], { partSizeBytes: 2 ** 24 });
  assert.deepEqual(await store.get('body'), body);
  assert.deepEqual(failures, []);
  await store.close();
}

gcsSuite('limits over GCS', (server) => {
  it(title, async () => {
    const bucket = await newGcsBucket(server());
    await putAndGet(bucket.location(), { gcs: { idleTimeoutMs } });
  });
});

azureSuite('limits over Azure', (server) => {
  it(title, async () => {
    const { location, settings } = await newContainer(server());
    await putAndGet(location(), { azureBlob: { ...settings.azureBlob, idleTimeoutMs } });
  });
});
