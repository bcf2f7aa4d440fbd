import { RepositoryError } from '../../base/errors.ts';

/**
 * Polynomials over GF(2), bit i of the bigint being the coefficient of x^i, as restic's chunker uses them.
 * Source of the drawing and of the test: Ben-Or, "Probabilistic algorithms in finite fields" (1981).
 */

/** Degree of every polynomial a repository is created with; a digest then fits 53 bits. */
export const polynomialDegree = 53;

const drawAttempts = 1_000_000;

/** Highest power of x; -1 for the zero polynomial. */
export function degree(polynomial: bigint): number {
  return polynomial === 0n ? -1 : polynomial.toString(2).length - 1;
}

/** `value` modulo `polynomial`, which must not be zero. */
export function remainder(value: bigint, polynomial: bigint): bigint {
  const divisorDegree = degree(polynomial);
  let rest = value;
  for (let excess = degree(rest) - divisorDegree; excess >= 0; excess = degree(rest) - divisorDegree) {
    rest ^= polynomial << BigInt(excess);
  }
  return rest;
}

/** a * b modulo `polynomial`; both factors must be reduced. */
function multiply(a: bigint, b: bigint, polynomial: bigint): bigint {
  const overflow = 1n << BigInt(degree(polynomial));
  let product = 0n;
  let shifted = a;
  for (let factor = b; factor !== 0n; factor >>= 1n) {
    if ((factor & 1n) === 1n) product ^= shifted;
    shifted <<= 1n;
    if ((shifted & overflow) !== 0n) shifted ^= polynomial;
  }
  return product;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, remainder(a, b));
}

/** Ben-Or's test: no factor of degree i divides x^(2^i) - x, for every i up to half the degree. */
export function isIrreducible(polynomial: bigint): boolean {
  const highest = degree(polynomial);
  if (highest < 1) return false;
  const x = remainder(2n, polynomial);
  let power = x;
  for (let i = 1; i <= highest / 2; i++) {
    power = multiply(power, power, polynomial);
    if (greatestCommonDivisor(polynomial, power ^ x) !== 1n) return false;
  }
  return true;
}

/**
 * Draws an irreducible polynomial of degree 53 as restic does: 8 random bytes, little-endian, cut to 54 bits, highest
 * and lowest bit set, until one is irreducible (about 27 draws). `randomBytes(n)` must return n fresh random bytes.
 */
export function randomPolynomial(randomBytes: (sizeBytes: number) => Uint8Array): bigint {
  for (let attempt = 0; attempt < drawAttempts; attempt++) {
    const bytes = randomBytes(8);
    const drawn = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
    const candidate = BigInt.asUintN(polynomialDegree + 1, drawn) | (1n << BigInt(polynomialDegree)) | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
  throw new RepositoryError('unsupported', `no irreducible polynomial in ${drawAttempts} draws`, {
    advice: 'check the source of random bytes',
  });
}

function powerOfX(exponent: number, polynomial: bigint): bigint {
  const x = remainder(2n, polynomial);
  let power = remainder(1n, polynomial);
  for (let i = 0; i < exponent; i++) power = multiply(power, x, polynomial);
  return power;
}

function byteMultiples(factor: bigint, polynomial: bigint): BigUint64Array {
  return BigUint64Array.from({ length: 256 }, (_, byte) => multiply(factor, BigInt(byte), polynomial));
}

/** out[b]: what byte b contributes to a digest once `followingBytes` more bytes stand after it. */
export function outTable(polynomial: bigint, followingBytes: number): BigUint64Array {
  return byteMultiples(powerOfX(8 * followingBytes, polynomial), polynomial);
}

/** mod[i]: i in the 8 bits above the degree, with its remainder below: XORed in, it clears those bits and reduces. */
export function modTable(polynomial: bigint): BigUint64Array {
  const shift = BigInt(degree(polynomial));
  const remainders = byteMultiples(powerOfX(Number(shift), polynomial), polynomial);
  return remainders.map((rest, i) => rest | (BigInt(i) << shift));
}
