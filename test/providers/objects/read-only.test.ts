import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreError } from '../../../src/base/errors.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';
import { collect } from '../../../src/providers/objects/object-body.ts';
import { asReadOnly } from '../../../src/providers/objects/read-only.ts';
import { Trace, withTrace } from '../../support/providers/trace.ts';

test('reads pass, changes are refused before they are sent', async () => {
  const trace = new Trace();
  const memory = new MemoryDriver({ objects: [['a', Buffer.from('bytes')]] });
  const driver = asReadOnly(withTrace(memory, trace));
  for (const change of [
    () => driver.put('a', Buffer.of(1), {}),
    () => driver.put('b', Buffer.of(1), { mode: 'create' }),
    () => driver.delete('a', {}),
    () => driver.createMultipart('a', {}),
  ]) {
    await assert.rejects(
      change,
      (error) => error instanceof StoreError && error.code === 'permission-denied',
    );
  }
  assert.deepEqual(trace.entries, []);
  assert.equal((await collect(driver.get('a', {}))).toString(), 'bytes');
  assert.equal((await driver.head('a', {})).sizeBytes, 5);
  for await (const { key } of driver.list('', {})) assert.equal(key, 'a');
  assert.deepEqual(
    trace.entries.map(({ kind }) => kind),
    ['get', 'head', 'list'],
  );
});
