import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreError } from '../../src/base/errors.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { intercept } from '../../src/providers/objects/intercept.ts';
import type { Operation, OperationKind } from '../../src/providers/objects/intercept.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { checkStore } from '../../src/repository/store-check.ts';
import type { StoreReport } from '../../src/repository/store-check.ts';
import { ManualClock } from '../support/manual-clock.ts';

type Rule = (kind: OperationKind, key: string) => boolean;

/** Refuses what the rule does not allow, as a policy does. */
function allowing(memory: MemoryDriver, rule: Rule): ObjectDriver {
  const refusal = ({ kind, key }: Operation): StoreError | undefined =>
    rule(kind, key)
      ? undefined
      : new StoreError('permission-denied', 'the server refused access', { where: key });
  return intercept(memory, {
    run: async (operation, work) => {
      const error = refusal(operation);
      if (error !== undefined) throw error;
      return work();
    },
    stream: async function* (operation, open) {
      const error = refusal(operation);
      if (error !== undefined) throw error;
      yield* open();
    },
  });
}

async function keysOf(memory: MemoryDriver): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of memory.list('', {})) keys.push(key);
  return keys;
}

const reads: readonly OperationKind[] = ['get', 'head', 'list'];
const featuresOf = ({ features }: StoreReport): Record<string, string> =>
  Object.fromEntries(features.map(({ feature, outcome }) => [feature, outcome]));
const missingOf = ({ missing }: StoreReport): string[] =>
  missing.stage.map(({ right, places }) => `${right} ${places.join(' ')}`);

describe('the check of a store', () => {
  it('finds all well where all is allowed, and leaves nothing', async () => {
    const memory = new MemoryDriver();
    const report = await checkStore(memory);
    assert.deepEqual(report.can, { stage: true, restore: true, prune: true });
    assert.ok(report.rights.every(({ outcome }) => outcome === 'works'));
    assert.deepEqual(missingOf(report), []);
    assert.ok(Math.abs(report.clockSkewMs ?? Infinity) <= 1000);
    assert.deepEqual(featuresOf(report), {
      range: 'works',
      'create-only': 'works',
      multipart: 'works',
      checksum: 'unknown',
    });
    assert.deepEqual(await keysOf(memory), []);
  });

  it('leaves nothing where nothing may be deleted but locks', async () => {
    const memory = new MemoryDriver();
    const report = await checkStore(
      allowing(memory, (kind, key) => !kind.startsWith('delete') || key.startsWith('locks/')),
    );
    assert.deepEqual(report.can, { stage: true, restore: true, prune: false });
    assert.deepEqual(await keysOf(memory), []);
  });

  it('takes no upload for allowed that was only begun', async () => {
    const driver = allowing(
      new MemoryDriver(),
      (kind) => reads.includes(kind) || /create-multi|abort/.test(kind),
    );
    const { rights } = await checkStore(driver);
    const written = rights.filter(({ right }) => right === 'write');
    assert.ok(written.length > 0 && written.every(({ outcome }) => outcome === 'refused'));
  });

  it('judges a store that can only be read for a restore, and names what a stage pass lacks', async () => {
    const memory = new MemoryDriver();
    await memory.put('config', Buffer.from('sealed'), {});
    const report = await checkStore(allowing(memory, (kind) => reads.includes(kind)));
    assert.deepEqual(report.can, { stage: false, restore: true, prune: false });
    assert.deepEqual(missingOf(report), ['write data/ index/ snapshots/ locks/', 'delete locks/']);
    assert.equal(featuresOf(report)['range'], 'works');
    assert.equal(report.clockSkewMs, undefined);
    assert.deepEqual(await keysOf(memory), ['config']);
  });

  it('names the one folder in which a right is missing', async () => {
    const driver = allowing(new MemoryDriver(), (kind, key) => kind !== 'list' || !key.startsWith('index/'));
    const report = await checkStore(driver);
    assert.deepEqual(missingOf(report), ['list index/']);
    assert.deepEqual(report.can, { stage: false, restore: false, prune: false });
  });

  it('sweeps what a check that was killed has left, but not what another one may still use', async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    const memory = new MemoryDriver({ clock });
    await memory.put('data/00/tranship-check-0000000000000000', Buffer.from('old'), {});
    await clock.advance(2 * 3_600_000);
    await memory.put('locks/tranship-check-1111111111111111', Buffer.from('young'), {});
    await memory.put('snapshots/of-somebody', Buffer.from('kept'), {});
    const report = await checkStore(memory, { clock });
    assert.deepEqual(report.swept, ['data/00/tranship-check-0000000000000000']);
    assert.deepEqual(await keysOf(memory), [
      'locks/tranship-check-1111111111111111',
      'snapshots/of-somebody',
    ]);
  });

  it('tells by how much the clock of the store differs', async () => {
    const ahead = new ManualClock(Date.UTC(2026, 0, 1, 0, 10));
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    assert.equal((await checkStore(new MemoryDriver({ clock: ahead }), { clock })).clockSkewMs, 600_000);
  });

  it('notices a store that replaces what must not be replaced, and one that ignores ranges', async () => {
    const memory = new MemoryDriver();
    const lax: ObjectDriver = {
      ...intercept(memory, { run: (_, work) => work(), stream: (_, open) => open() }),
      put: (key, body, options) => memory.put(key, body, { ...options, mode: 'overwrite' }),
      get: (key, { signal }) => memory.get(key, { signal }),
    };
    const report = await checkStore(lax);
    assert.equal(featuresOf(report)['create-only'], 'failed');
    assert.equal(featuresOf(report)['range'], 'failed');
    assert.deepEqual(report.can, { stage: false, restore: false, prune: false });
    assert.deepEqual(await keysOf(memory), []);
  });

  it('rejects where there is nothing to ask, and removes what it has put when it is cancelled', async () => {
    const gone = allowing(new MemoryDriver(), () => true);
    const list = async function* () {
      yield* [];
      throw new StoreError('no-bucket', 'the bucket does not exist');
    };
    await assert.rejects(checkStore({ ...gone, list }), { code: 'no-bucket' });
    const memory = new MemoryDriver();
    const controller = new AbortController();
    const driver = allowing(memory, (kind, key) => {
      if (kind === 'get' && key.startsWith('index/')) controller.abort();
      return true;
    });
    await assert.rejects(checkStore(driver, { signal: controller.signal }), { code: 'cancelled' });
    assert.deepEqual(await keysOf(memory), []);
  });
});
