import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreError } from '../../../src/base/errors.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';
import { collect } from '../../../src/providers/objects/object-body.ts';
import { withObserver } from '../../../src/providers/objects/observe.ts';
import type { OperationEvent } from '../../../src/providers/objects/observe.ts';
import { faultRules, withFaults } from '../../support/providers/fault.ts';
import { InstantClock } from '../../support/providers/instant-clock.ts';

test('every request is reported once, with its bytes and outcome', async () => {
  const events: OperationEvent[] = [];
  const driver = withObserver(new MemoryDriver(), { observer: (event) => events.push(event) });
  await driver.put('a', [Buffer.alloc(3), Buffer.alloc(4)], {});
  await collect(driver.get('a', { range: { start: 1, end: 6 } }));
  await driver.head('a', {});
  await driver.head('b', {}).catch(() => {});
  await driver.head('a', { signal: AbortSignal.abort() }).catch(() => {});
  for await (const info of driver.list('a', {})) assert.equal(info.key, 'a');
  await driver.delete('a', {});
  const upload = await driver.createMultipart('m', {});
  await upload.putPart(1, Buffer.alloc(9));
  await upload.complete();
  await upload.abort();
  assert.deepEqual(
    events.map(({ kind, key, bytes, outcome }) => [kind, key, bytes, outcome]),
    [
      ['put', 'a', 7, 'done'],
      ['get', 'a', 5, 'done'],
      ['head', 'a', 0, 'done'],
      ['head', 'b', 0, 'failed'],
      ['head', 'a', 0, 'cancelled'],
      ['list', 'a', 0, 'done'],
      ['delete', 'a', 0, 'done'],
      ['create-multipart', 'm', 0, 'done'],
      ['put-part', 'm', 9, 'done'],
      ['complete-multipart', 'm', 0, 'done'],
      ['abort-multipart', 'm', 0, 'done'],
    ],
  );
});

test('a stream is reported when it ends, is left or breaks', async () => {
  const events: OperationEvent[] = [];
  const memory = new MemoryDriver({ objects: [['a', Buffer.alloc(200_000)]] });
  const broken = new StoreError('io', 'broken');
  const rules = faultRules({ on: 'get', nth: 2, action: { kind: 'break-off', after: 10, error: broken } });
  const driver = withObserver(withFaults(memory, rules), { observer: (event) => events.push(event) });
  for await (const piece of driver.get('a', {})) {
    assert.equal(piece.byteLength, 65_536);
    break;
  }
  await assert.rejects(collect(driver.get('a', {})), broken);
  assert.deepEqual(
    events.map(({ bytes, outcome, error }) => [bytes, outcome, error]),
    [
      [65_536, 'done', undefined],
      [10, 'failed', broken],
    ],
  );
});

test('the duration is taken from the clock', async () => {
  const clock = new InstantClock();
  const events: OperationEvent[] = [];
  const memory = new MemoryDriver({ objects: [['a', Buffer.alloc(10)]] });
  const driver = withObserver(memory, { observer: (event) => events.push(event), clock });
  for await (const piece of driver.get('a', {})) clock.advance(piece.byteLength * 100);
  assert.equal(events[0]?.durationMs, 1000);
});
