import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { PackBuffers } from '../../../src/copy/pipeline/pack-buffers.ts';

const packSizeBytes = 4 * 2 ** 20;

/** Takes buffers until the next one would have to be waited for; that one comes in `next`. */
async function takeAll(buffers: PackBuffers) {
  const taken: SharedArrayBuffer[] = [];
  for (;;) {
    const next = buffers.take(1000);
    const buffer = await Promise.race([next, setImmediate(undefined)]);
    if (buffer === undefined) return { taken, next };
    taken.push(buffer);
  }
}

describe('the buffers of packs', () => {
  it('are waited for when all are away, and come in the order of their return', async () => {
    const buffers = new PackBuffers(packSizeBytes);
    const { taken, next } = await takeAll(buffers);
    const [first] = taken;
    assert.ok(first !== undefined);
    buffers.giveBack(first);
    assert.equal(await next, first);
  });

  it('that were handed over for good are replaced, and outsize ones do not count', async () => {
    const buffers = new PackBuffers(packSizeBytes);
    const most = (await takeAll(new PackBuffers(packSizeBytes))).taken.length;
    const outsize = await buffers.take(2 ** 24);
    const away = await buffers.take(1000);
    buffers.forget(outsize);
    buffers.forget(away);
    assert.equal((await takeAll(buffers)).taken.length, most);
  });
});
