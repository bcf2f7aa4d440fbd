import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { compileChunkerWasm } from '../../../scripts/build-wasm.ts';
import type { FindCut } from '../../../src/repository/chunker/chunker-kernels.ts';
import { createChunkerKernels } from '../../../src/repository/chunker/chunker-kernels.ts';
import {
  firstTableAddress,
  secondTableAddress,
  windowAddress,
} from '../../../src/repository/chunker/memory-layout.ts';
import { modTable, outTable } from '../../../src/repository/chunker/polynomial.ts';
import { gearTable } from '../../../src/repository/chunker/gear-table.ts';
import { referenceRabinDigest } from '../../support/reference-chunker.ts';
import type { Random } from '../../support/seed.ts';
import { createRandom, forEachSeed, scaled } from '../../support/seed.ts';

const P = 0x3da3358b4dc173n;
const gear = gearTable(new Uint8Array(32).fill(9));

const rabin = createChunkerKernels();
rabin.setTable(firstTableAddress, modTable(P));
rabin.setTable(secondTableAddress, outTable(P, 64));
const fastcdc = createChunkerKernels();
fastcdc.setTable(firstTableAddress, gear);

function gearHash(bytes: Uint8Array): bigint {
  return bytes.reduce((hash, byte) => BigInt.asUintN(64, (hash << 1n) + (gear[byte] ?? 0n)), 0n);
}

test('the committed chunker.wasm is what its sources compile to', async () => {
  const committed = await readFile(new URL('../../../src/repository/chunker/chunker.wasm', import.meta.url));
  assert.ok((await compileChunkerWasm()).equals(committed), 'run `node scripts/build-wasm.ts`');
});

test('hashes are those of the definition', async (t) => {
  await forEachSeed(t, scaled(50, 2000), (seed) => {
    const bytes = createRandom(seed).bytes(64);
    rabin.window.set(bytes, 3);
    fastcdc.window.set(bytes, 3);
    assert.equal(rabin.rabinDigest(windowAddress + 3), referenceRabinDigest(bytes, P));
    assert.equal(BigInt.asUintN(64, fastcdc.gearHash(windowAddress + 3)), gearHash(bytes));
  });
});

interface Kernel {
  readonly window: Uint8Array;
  readonly findCut: FindCut;
  /** Whether the 64 bytes from `address` on pass. */
  readonly passes: (address: number, bits: number) => boolean;
}

const kernels: Record<string, Kernel> = {
  rabin: {
    window: rabin.window,
    findCut: rabin.findRabinCut,
    passes: (address, bits) => BigInt.asUintN(bits, rabin.rabinDigest(address)) === 0n,
  },
  gear: {
    window: fastcdc.window,
    findCut: fastcdc.findGearCut,
    passes: (address, bits) => BigInt.asUintN(64, fastcdc.gearHash(address)) >> BigInt(64 - bits) === 0n,
  },
};

const cutBits = 14;
const segmentBytes = 4096;

/** 64 bytes after which the kernel cuts. */
function passingBytes(random: Random, kernel: Kernel): Buffer {
  for (;;) {
    const candidates = random.bytes(4096);
    kernel.window.set(candidates);
    for (let offset = 0; offset <= candidates.length - 64; offset++) {
      if (kernel.passes(windowAddress + offset, cutBits)) return candidates.subarray(offset, offset + 64);
    }
  }
}

/** The kernel against a test of every place; `planted` is a length the range is sure to have a cut at. */
function checkFirstCut(
  random: Random,
  kernel: Kernel,
  range: readonly [number, number],
  planted: number,
): void {
  const [first, last] = range;
  const start = random.below(1000);
  const passing = passingBytes(random, kernel);
  // A run of one byte is rarely a cut, so that the planted one is mostly the first.
  kernel.window.fill(random.between(1, 255), 0, start + last);
  kernel.window.set(passing, start + planted - 64);
  const address = windowAddress + start;
  let expected = 0;
  for (let length = first; length <= last && expected === 0; length++) {
    if (kernel.passes(address + length - 64, cutBits)) expected = length;
  }
  assert.equal(
    kernel.findCut(address, first, last, cutBits),
    expected,
    `range ${first} to ${last}, cut at ${planted}`,
  );
}

for (const [name, kernel] of Object.entries(kernels)) {
  test(`${name}: the first cut of a range is the first place whose hash passes`, async (t) => {
    await forEachSeed(t, scaled(150, 3000), (seed) => {
      const random = createRandom(seed);
      const first = random.between(64, 300);
      const last = first + random.between(0, 10) * segmentBytes + random.below(200);
      // At the edges of the range, and of the segments and blocks that the kernel hashes side by side.
      const edge = first + segmentBytes * random.between(0, 10) + random.between(-2, 66);
      const planted = random.pick([first, last, edge, edge, edge, random.between(first, last)]);
      checkFirstCut(random, kernel, [first, last], Math.min(Math.max(planted, first), last));
    });
  });

  test(`${name}: a cut right before or right behind the range is not found`, async (t) => {
    await forEachSeed(t, scaled(10, 300), (seed) => {
      const random = createRandom(seed);
      const first = random.between(200, 300);
      const last = first + random.between(64, 40_000);
      const passing = passingBytes(random, kernel);
      kernel.window.fill(random.between(1, 255), 0, last + 1);
      kernel.window.set(passing, first - 1 - 64);
      kernel.window.set(passing, last + 1 - 64);
      const found = kernel.findCut(windowAddress, first, last, cutBits);
      if (found !== 0) assert.ok(found <= last && kernel.passes(windowAddress + found - 64, cutBits));
      assert.equal(kernel.findCut(windowAddress, first - 1, last, cutBits), first - 1);
      assert.equal(kernel.findCut(windowAddress, last + 1, last + 1, cutBits), last + 1);
    });
  });
}
