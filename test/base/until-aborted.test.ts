import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { it } from 'node:test';
import { untilAborted } from '../../src/base/until-aborted.ts';

async function collect<T>(source: AsyncIterable<T>, signal = new AbortController().signal): Promise<T[]> {
  const pieces: T[] = [];
  for await (const piece of untilAborted(source, signal)) pieces.push(piece);
  return pieces;
}

it('gives every piece of a source that ends', async () => {
  assert.deepEqual(await collect(Readable.from([1, 2, 3])), [1, 2, 3]);
});

it('ends the wait for a source that never answers, and destroys it', async () => {
  const controller = new AbortController();
  const source = new Readable({ read: () => undefined });
  const closed = once(source, 'close');
  const collected = collect(source, controller.signal);
  setImmediate(() => controller.abort());
  await assert.rejects(collected, { code: 'cancelled' });
  await closed;
});

it('asks nothing of a source when the signal has fired before', async () => {
  await assert.rejects(collect(Readable.from([1]), AbortSignal.abort()), { code: 'cancelled' });
});

it('ends a source that its reader leaves', async () => {
  let isEnded = false;
  async function* endless(): AsyncGenerator<number, void, undefined> {
    try {
      for (;;) yield 1;
    } finally {
      isEnded = true;
    }
  }
  for await (const piece of untilAborted(endless(), new AbortController().signal)) {
    assert.equal(piece, 1);
    break;
  }
  await new Promise(setImmediate);
  assert.equal(isEnded, true);
});
