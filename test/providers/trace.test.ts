import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { collect } from '../../src/providers/objects/object-body.ts';
import { faultRules, withFaults } from '../support/providers/fault.ts';
import { Trace, replay, withTrace } from '../support/providers/trace.ts';

test('every prefix of the changes can be replayed', async () => {
  const trace = new Trace();
  const memory = new MemoryDriver();
  const faulty = withFaults(memory, faultRules({ on: 'put', nth: 2, action: { kind: 'fail-before' } }));
  const driver = withTrace(faulty, trace);
  await driver.put('a', [Buffer.from('a'), Buffer.from('1')], {});
  await driver.put('failed', Buffer.from('x'), {}).catch(() => {});
  await collect(driver.get('a', {}));
  await driver.put('a', Buffer.from('a2'), {});
  const upload = await driver.createMultipart('m', {});
  await upload.putPart(2, Buffer.from('two'));
  await upload.putPart(1, Buffer.from('one'));
  await upload.complete();
  await driver.delete('a', {});
  const states = Array.from({ length: 6 }, (_, count) => asText(replay(trace, count)));
  assert.deepEqual(states, [
    {},
    { a: 'a1' },
    { a: 'a2' },
    { a: 'a2', m: 'onetwo' },
    { m: 'onetwo' },
    { m: 'onetwo' },
  ]);
  assert.deepEqual(states.at(-1), asText(memory));
});

test('beginnings and ends tell what happened at the same time', async () => {
  const trace = new Trace({ keepBytes: false });
  const driver = withTrace(new MemoryDriver(), trace);
  await Promise.all([driver.put('a', Buffer.of(1), {}), driver.put('b', Buffer.of(1), {})]);
  await driver.put('c', Buffer.of(1), {});
  const [a, b, c] = trace.entries;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  assert.ok(a.began < b.ended && b.began < a.ended, 'a and b ran at the same time');
  assert.ok(c.began > a.ended && c.began > b.ended, 'c began after both');
  assert.throws(() => replay(trace, 1), /without bytes/);
});

function asText(driver: MemoryDriver): Record<string, string> {
  return Object.fromEntries(
    [...driver.contents()].map(([key, bytes]) => [key, Buffer.from(bytes).toString()]),
  );
}
