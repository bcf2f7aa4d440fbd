import { createHash } from 'node:crypto';
import { StoreError } from '../../base/errors.ts';
import { configKey, prefixOf } from '../format/file-kind.ts';
import { attempt } from './attempt.ts';
import type { Attempt } from './attempt.ts';
import type { FeatureFinding, RightFinding } from './findings.ts';
import { newProbeKey, probeBody as body } from './probe.ts';
import type { CheckTools } from './tools.ts';

/** Tries what a store can do among the locks, where every role may write and delete. */
export async function checkFeatures(
  tools: CheckTools,
  rights: readonly RightFinding[],
): Promise<FeatureFinding[]> {
  if (!canWriteLocks(rights)) return readOnlyFeatures(tools);
  return [
    found('range', await attempt(() => range(tools))),
    found('create-only', await attempt(() => createOnly(tools))),
    found('multipart', await attempt(() => multipart(tools))),
    found('checksum', await checksum(tools)),
  ];
}

/**
 * By how much the server’s clock is ahead of ours; undefined where nothing may be written. Objects are dated in whole
 * seconds, so that a second is no difference.
 */
export async function clockSkewOf(
  tools: CheckTools,
  rights: readonly RightFinding[],
): Promise<number | undefined> {
  if (!canWriteLocks(rights)) return undefined;
  const { store, clock, signal } = tools;
  const key = newProbeKey(prefixOf('locks'));
  const skew = await attempt(async () => {
    const beforeMs = clock.nowMs();
    await store.put(key, body, { signal });
    const afterMs = clock.nowMs();
    const { modifiedMs } = await store.head(key, { signal });
    return modifiedMs - (beforeMs + afterMs) / 2;
  });
  return skew.value === undefined ? undefined : Math.round(skew.value / 1000) * 1000;
}

function canWriteLocks(rights: readonly RightFinding[]): boolean {
  return rights
    .filter(({ place, right }) => place === prefixOf('locks') && right !== 'list')
    .every(({ outcome }) => outcome === 'works');
}

async function readOnlyFeatures({ store, signal }: CheckTools): Promise<FeatureFinding[]> {
  const reason = 'nothing can be written and deleted here';
  const part = await attempt(() => store.get(configKey, { range: { start: 1, end: 2 }, signal }));
  const isTold = part.outcome === 'works' || (part.outcome === 'failed' && part.error?.code !== 'not-found');
  return [
    isTold
      ? found('range', part)
      : { feature: 'range', outcome: 'unknown', reason: 'there is nothing to read' },
    { feature: 'create-only', outcome: 'unknown', reason },
    { feature: 'multipart', outcome: 'unknown', reason },
    { feature: 'checksum', outcome: 'unknown', reason },
  ];
}

async function range(tools: CheckTools): Promise<void> {
  const { store, signal } = tools;
  const key = newProbeKey(prefixOf('locks'));
  await store.put(key, body, { signal });
  const part = await store.get(key, { range: { start: 3, end: 9 }, signal });
  if (!part.equals(body.subarray(3, 9))) throw new StoreError('corrupt', 'other bytes came', { where: key });
}

async function createOnly(tools: CheckTools): Promise<void> {
  const { store, signal } = tools;
  const key = newProbeKey(prefixOf('locks'));
  await store.put(key, body, { mode: 'create', signal });
  const again = await attempt(() => store.put(key, Buffer.from('another'), { mode: 'create', signal }));
  if (again.error?.code === 'already-exists') return;
  throw new StoreError('unsupported', 'a put that must not replace an object was not refused', {
    where: key,
  });
}

async function multipart(tools: CheckTools): Promise<void> {
  const { patient, store, signal } = tools;
  const key = newProbeKey(prefixOf('locks'));
  const upload = await patient.createMultipart(key, { signal });
  try {
    await upload.putPart(1, body, { signal });
    await upload.complete({ signal });
  } catch (error) {
    await upload.abort().catch(() => undefined);
    throw error;
  }
  const stored = await store.get(key, { signal });
  if (!stored.equals(body)) throw new StoreError('corrupt', 'other bytes came', { where: key });
}

/** Sends bytes under the checksum of others, which a store that compares them must refuse. */
async function checksum({ driver, signal }: CheckTools): Promise<Attempt<void>> {
  const { confirmsPuts, comparesSha256 } = driver.capabilities;
  if (!confirmsPuts)
    return { outcome: 'unknown', reason: 'the store confirms none: what is put is read back' };
  if (!comparesSha256) return { outcome: 'unknown', reason: 'it is not the caller’s that is compared here' };
  const sha256 = createHash('sha256').update('other bytes').digest('hex');
  const tried = await attempt(() => driver.put(newProbeKey(prefixOf('locks')), body, { sha256, signal }));
  if (tried.error?.code === 'corrupt') return { outcome: 'works' };
  if (tried.outcome !== 'works') return tried;
  return { outcome: 'failed', reason: 'bytes under a wrong checksum were taken' };
}

function found(feature: FeatureFinding['feature'], { outcome, reason }: Attempt<unknown>): FeatureFinding {
  return { feature, outcome, ...(reason === undefined ? {} : { reason }) };
}
