import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CancelledError, StoreError, UsageError } from '../../../src/base/errors.ts';
import type { ObjectDriver } from '../../../src/providers/objects/driver.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../../src/providers/objects/store.ts';
import { faultRules, withFaults } from '../../support/providers/fault.ts';
import { Trace, withTrace } from '../../support/providers/trace.ts';

const partSizeBytes = 100;

test('parts on their way never exceed the concurrency', async () => {
  let running = 0;
  let most = 0;
  const driver = slowParts(async () => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    running -= 1;
  });
  await new ObjectStore(driver).putLarge('k', [Buffer.alloc(5000, 7)], { partSizeBytes, concurrency: 3 });
  assert.equal(most, 3);
});

test('a body of one part or less is one put, with its options', async () => {
  const trace = new Trace();
  const store = new ObjectStore(withTrace(new MemoryDriver(), trace));
  await store.putLarge('k', [Buffer.alloc(60), Buffer.alloc(39)], { partSizeBytes, mode: 'create' });
  assert.deepEqual(
    trace.entries.map(({ kind, mode, sizeBytes }) => ({ kind, mode, sizeBytes })),
    [{ kind: 'put', mode: 'create', sizeBytes: 99 }],
  );
});

test('a source may reuse its buffer', async () => {
  const memory = new MemoryDriver();
  const reused = Buffer.alloc(70);
  const source = function* (): Generator<Uint8Array> {
    for (let round = 1; round <= 5; round += 1) yield reused.fill(round);
  };
  await new ObjectStore(memory).putLarge('k', source(), { partSizeBytes });
  const wanted = Buffer.concat([1, 2, 3, 4, 5].map((round) => Buffer.alloc(70, round)));
  assert.deepEqual(memory.contents().get('k'), wanted);
});

test('a part that fails ends the upload with its error and aborts it', async () => {
  const trace = new Trace();
  const refused = new StoreError('no-space', 'full');
  const rules = faultRules({ on: 'put-part', nth: 3, action: { kind: 'fail-before', error: refused } });
  const store = new ObjectStore(withTrace(withFaults(new MemoryDriver(), rules), trace));
  await assert.rejects(store.putLarge('k', [Buffer.alloc(2000)], { partSizeBytes, concurrency: 2 }), refused);
  assert.equal(trace.entries.at(-1)?.kind, 'abort-multipart');
  assert.ok(trace.entries.length < 10, 'parts went on after the failure');
  assert.equal(await store.exists('k'), false);
});

test('a failure to abort does not hide the failure', async () => {
  const first = new StoreError('no-space', 'full');
  const rules = faultRules(
    { on: 'complete-multipart', action: { kind: 'fail-before', error: first } },
    { on: 'abort-multipart', action: { kind: 'fail-before' } },
  );
  const store = new ObjectStore(withFaults(new MemoryDriver(), rules));
  await assert.rejects(store.putLarge('k', [Buffer.alloc(200)], { partSizeBytes }), first);
});

test('a signal stops parts that stall', async () => {
  const rules = faultRules({ on: 'put-part', times: Infinity, action: { kind: 'stall' } });
  const trace = new Trace();
  const store = new ObjectStore(withTrace(withFaults(new MemoryDriver(), rules), trace));
  const controller = new AbortController();
  const putting = store.putLarge('k', [Buffer.alloc(2000)], { partSizeBytes, signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(putting, CancelledError);
  assert.equal(trace.entries.at(-1)?.kind, 'abort-multipart');
});

test('the source is closed however the put ends', async () => {
  for (const action of [{ kind: 'fail-before' }, undefined] as const) {
    let closed = 0;
    const source = function* (): Generator<Uint8Array> {
      try {
        for (let part = 0; part < 20; part += 1) yield Buffer.alloc(partSizeBytes);
      } finally {
        closed += 1;
      }
    };
    const rules = action === undefined ? faultRules() : faultRules({ on: 'put-part', action });
    const store = new ObjectStore(withFaults(new MemoryDriver(), rules));
    await Promise.allSettled([store.putLarge('k', source(), { partSizeBytes })]);
    assert.equal(closed, 1);
  }
});

test('sizes and counts that make no sense are refused', async () => {
  const store = new ObjectStore(new MemoryDriver());
  for (const wrong of [0, -1, 1.5, NaN]) {
    await assert.rejects(store.putLarge('k', [], { partSizeBytes: wrong }), UsageError);
    await assert.rejects(store.putLarge('k', [], { concurrency: wrong }), UsageError);
  }
  await assert.rejects(store.putLarge('k', [Buffer.alloc(10_001)], { partSizeBytes: 1 }), UsageError);
  assert.equal(await store.exists('k'), false);
});

function slowParts(work: () => Promise<void>): ObjectDriver {
  const driver = withFaults(new MemoryDriver(), faultRules());
  return {
    ...driver,
    createMultipart: async (key, options) => {
      const upload = await driver.createMultipart(key, options);
      return {
        ...upload,
        putPart: async (partNumber, body, partOptions) => {
          await work();
          await upload.putPart(partNumber, body, partOptions);
        },
      };
    },
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
