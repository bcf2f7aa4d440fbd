import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  degree,
  isIrreducible,
  modTable,
  outTable,
  randomPolynomial,
  remainder,
} from '../../../src/repository/chunker/polynomial.ts';
import { createRandom, forEachSeed, scaled } from '../../support/seed.ts';

const P = 0x3da3358b4dc173n;

test('degree is the highest power', () => {
  assert.deepEqual([0n, 1n, 2n, 3n, 0x100n, P].map(degree), [-1, 0, 1, 1, 8, 53]);
});

test("restic's irreducible polynomials are irreducible, its reducible ones are not", () => {
  for (const polynomial of [P, 0x2482734cacca49n]) assert.equal(isIrreducible(polynomial), true);
  for (const polynomial of [0x38f1e565e288dfn, 0x30a8295b9d5c91n, 0x255f4350b962cbn, 0x3143d0464b3299n]) {
    assert.equal(isIrreducible(polynomial), false);
  }
});

test('up to degree 10, irreducible is what trial division finds', () => {
  for (let candidate = 0n; candidate < 2048n; candidate++) {
    let hasFactor = degree(candidate) < 1;
    for (let d = 2n; degree(d) * 2 <= degree(candidate); d++) hasFactor ||= remainder(candidate, d) === 0n;
    assert.equal(isIrreducible(candidate), !hasFactor, `polynomial ${candidate.toString(2)}`);
  }
});

test("tables hold restic's values", () => {
  const out = outTable(P, 63);
  const mod = modTable(P);
  assert.equal(out[1], 0x17eb4232e19216n);
  assert.equal(out[255], 0xb80b98cecc39an);
  assert.equal(mod[1], 0x3da3358b4dc173n);
  assert.equal(mod[255], 0x1ff7ac8a5af476a7n);
  assert.deepEqual([out[0], mod[0]], [0n, 0n]);
});

test('random polynomials are irreducible and of degree 53', async (t) => {
  await forEachSeed(t, scaled(5, 200), (seed) => {
    const random = createRandom(seed);
    const polynomial = randomPolynomial((sizeBytes) => random.bytes(sizeBytes));
    assert.equal(degree(polynomial), 53);
    assert.equal(isIrreducible(polynomial), true);
  });
});

test('a draw is read little-endian, cut to 54 bits, highest and lowest bit set', () => {
  const reducible = Buffer.from('df88e265e5f13800', 'hex'); // 0x38f1e565e288df
  const irreducible = Buffer.from('72c14d8b35a3ddff', 'hex'); // P without its lowest bit, with other bits above 53
  const draws = [reducible, irreducible];
  const polynomial = randomPolynomial((sizeBytes) => {
    assert.equal(sizeBytes, 8);
    return draws.shift() ?? assert.fail('drew too often');
  });
  assert.equal(polynomial, P);
});
