import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelledError, StoreError } from '../../src/base/errors.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { collect } from '../../src/providers/objects/object-body.ts';
import { failEverywhere, faultRules, seededFaults, withFaults } from '../support/providers/fault.ts';
import type { FaultAction } from '../support/providers/fault.ts';

const bytes = Buffer.from('0123456789');

test('a put can fail before, fail after, be dropped, cut or changed', async () => {
  const cases = [
    [{ kind: 'fail-before' }, 'rejected', undefined],
    [{ kind: 'fail-after' }, 'rejected', '0123456789'],
    [{ kind: 'drop' }, 'fulfilled', undefined],
    [{ kind: 'truncate', sizeBytes: 4 }, 'fulfilled', '0123'],
    [{ kind: 'flip', offset: 1, bit: 3 }, 'fulfilled', '0923456789'],
  ] as const;
  for (const [action, status, stored] of cases) {
    const memory = new MemoryDriver();
    const driver = withFaults(memory, faultRules({ on: 'put', action }));
    const [result] = await Promise.allSettled([
      driver.put('k', [bytes.subarray(0, 5), bytes.subarray(5)], {}),
    ]);
    assert.equal(result.status, status, action.kind);
    const found = memory.contents().get('k');
    assert.equal(found === undefined ? undefined : Buffer.from(found).toString(), stored, action.kind);
    assert.equal(bytes.toString(), '0123456789', "the caller's bytes were changed");
  }
});

test('a get can be cut, changed or break off, and the stored bytes stay', async () => {
  const memory = new MemoryDriver({ objects: [['k', bytes]] });
  const read = (action: FaultAction): Promise<Buffer> =>
    collect(withFaults(memory, faultRules({ on: 'get', action })).get('k', {}));
  assert.equal((await read({ kind: 'truncate', sizeBytes: 4 })).toString(), '0123');
  assert.equal((await read({ kind: 'flip', offset: 0 })).toString(), '1123456789');
  assert.equal((await read({ kind: 'drop' })).toString(), '');
  await assert.rejects(read({ kind: 'break-off', after: 3 }), StoreError);
  await assert.rejects(read({ kind: 'fail-before' }), StoreError);
  assert.equal((await collect(memory.get('k', {}))).toString(), '0123456789');
});

test('a stalled request ends with its signal only', async () => {
  const driver = withFaults(new MemoryDriver(), faultRules({ times: 2, action: { kind: 'stall' } }));
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = [driver.put('k', bytes, { signal }), collect(driver.get('k', { signal }))];
  const settled = Promise.allSettled(waiting);
  setImmediate(() => controller.abort());
  for (const result of await settled) {
    assert.ok(result.status === 'rejected' && result.reason instanceof CancelledError);
  }
});

test('rules count the requests they match', async () => {
  const plan = faultRules({ on: ['head'], key: /^b/, nth: 2, times: 2, action: { kind: 'fail-before' } });
  const memory = new MemoryDriver({
    objects: [
      ['a', bytes],
      ['b', bytes],
    ],
  });
  const driver = withFaults(memory, plan);
  const outcomes: string[] = [];
  for (const key of ['a', 'b', 'a', 'b', 'b', 'b']) {
    const [{ status }] = await Promise.allSettled([driver.head(key, {})]);
    outcomes.push(`${key} ${status}`);
  }
  assert.deepEqual(outcomes, [
    'a fulfilled',
    'b fulfilled',
    'a fulfilled',
    'b rejected',
    'b rejected',
    'b fulfilled',
  ]);
  assert.equal(plan.fired, 2);
});

test('the exhaustive mode visits every request and one run without failure', async () => {
  const visited: number[] = [];
  await failEverywhere({ kind: 'fail-before' }, async (plan, nth) => {
    visited.push(nth);
    const driver = withFaults(new MemoryDriver(), plan);
    for (let request = 0; request < 4; request += 1) await driver.put('k', bytes, {}).catch(() => {});
  });
  assert.deepEqual(visited, [1, 2, 3, 4, 5]);
});

test('equal seeds give equal faults', async () => {
  const outcomes = async (seed: number): Promise<string> => {
    const driver = withFaults(new MemoryDriver(), seededFaults(seed, 0.5));
    const results: string[] = [];
    for (let request = 0; request < 40; request += 1) {
      const [{ status }] = await Promise.allSettled([driver.put('k', bytes, {})]);
      results.push(status === 'fulfilled' ? '.' : 'x');
    }
    return results.join('');
  };
  assert.equal(await outcomes(1), await outcomes(1));
  assert.notEqual(await outcomes(1), await outcomes(2));
});
