import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RepositoryError } from '../../src/base/errors.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { putConfirmed } from '../../src/repository/confirmed-put.ts';
import { Repository } from '../../src/repository/repository.ts';
import { listSnapshots, saveSnapshot } from '../../src/repository/snapshots.ts';
import { faultRules, withFaults } from '../support/providers/fault.ts';
import type { FaultAction } from '../support/providers/fault.ts';
import { Trace, withTrace } from '../support/providers/trace.ts';
import { weakScrypt } from '../support/weak-key.ts';

const key = 'index/00';
const bytes = Buffer.from('some bytes');
const actions: readonly FaultAction[] = [
  { kind: 'drop' },
  { kind: 'truncate', sizeBytes: 3 },
  { kind: 'flip', offset: 2 },
];

/** A store that goes wrong in silence so many times. */
function silentStore(action: FaultAction, times: number): { driver: MemoryDriver; store: ObjectStore } {
  const driver = new MemoryDriver();
  const faulty = withFaults(driver, faultRules({ on: 'put', times, action }));
  return { driver, store: new ObjectStore(unconfirming(faulty)) };
}

function unconfirming(driver: ObjectDriver): ObjectDriver {
  return { ...driver, capabilities: { ...driver.capabilities, confirmsPuts: false } };
}

it('what did not arrive is put again', async () => {
  for (const action of actions) {
    const { driver, store } = silentStore(action, 2);
    await putConfirmed(store, key, bytes);
    assert.deepEqual([...driver.contents()], [[key, bytes]]);
  }
});

it('what never arrives is an error', async () => {
  for (const action of actions) {
    const { store } = silentStore(action, Infinity);
    await assert.rejects(putConfirmed(store, key, bytes), (error) => {
      return error instanceof RepositoryError && error.code === 'corrupt' && error.where === key;
    });
  }
});

it('a store that confirms its puts is asked once', async () => {
  const trace = new Trace();
  await putConfirmed(new ObjectStore(withTrace(new MemoryDriver(), trace)), key, bytes);
  assert.deepEqual(
    trace.entries.map(({ kind }) => kind),
    ['put'],
  );
});

it('a snapshot that the store acknowledged and lost was reported as written', async () => {
  const { driver, store } = silentStore({ kind: 'drop' }, 1);
  const options = { password: 'test', scryptCost: weakScrypt };
  await Repository.init(new ObjectStore(driver), options);
  const repository = await Repository.open(store, options);
  const time = '2026-01-01T00:00:00Z';
  const id = await saveSnapshot(repository, {
    time,
    tree: '0'.repeat(64),
    paths: ['/'],
    hostname: 'host',
    uid: 0,
    gid: 0,
  });
  const { snapshots } = await listSnapshots(repository);
  assert.deepEqual(
    snapshots.map((snapshot) => snapshot.id),
    [id],
  );
});
