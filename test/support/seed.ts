/**
 * Seeds of random tests. A run draws a seed of its own and names it, so that a failure can be replayed:
 * TRANSHIP_SEED=n runs the one case with that seed; TRANSHIP_TEST_SCALE=full runs the large counts.
 */
import { createCipheriv, randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';

/** A small deterministic generator (sfc32). The same seed gives the same values for ever. */
export interface Random {
  /** The next 32 bits, unsigned. */
  next(): number;
  /** A whole number from 0 up to and without `limit` (at most 2^32). */
  below(limit: number): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  pick<const T>(choices: readonly [T, ...T[]]): T;
  bytes(length: number): Buffer;
}

export function createRandom(seed: number): Random {
  const next = sfc32(seed);
  const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit);
  return {
    next,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() / 2 ** 32 < probability,
    pick: (choices) => choices[below(choices.length)] ?? choices[0],
    bytes: (length) => randomBytes(next, length),
  };
}

/** sfc32, the "small fast counter" generator of the PractRand suite, warmed up with its usual 12 rounds. */
function sfc32(seed: number): () => number {
  let a = seed >>> 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** Beyond this the key stream of a cipher is the faster source: 1 GB/s instead of 100 MB/s. */
const CIPHER_FROM_BYTES = 4096;

function randomBytes(next: () => number, length: number): Buffer {
  const words = new Uint32Array(Math.min(Math.ceil(length / 4), CIPHER_FROM_BYTES / 4));
  for (let i = 0; i < words.length; i++) words[i] = next();
  const bytes = Buffer.from(words.buffer);
  if (length <= CIPHER_FROM_BYTES) return bytes.subarray(0, length);
  return createCipheriv('aes-128-ctr', bytes.subarray(0, 16), bytes.subarray(16, 32)).update(
    Buffer.alloc(length),
  );
}

export function isFullScale(): boolean {
  return process.env['TRANSHIP_TEST_SCALE'] === 'full';
}

/** The count of cases for this run. */
export function scaled(small: number, full: number): number {
  return isFullScale() ? full : small;
}

/** The seed to replay, when one is asked for. */
export function replaySeed(): number | undefined {
  const text = process.env['TRANSHIP_SEED'];
  if (text === undefined || text === '') return undefined;
  const seed = Number(text);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new Error(`TRANSHIP_SEED is not a whole number: ${text}`);
  return seed;
}

/**
 * Runs the body for `count` seeds one after the other, or for TRANSHIP_SEED alone. The first failure ends the test
 * with the seed and the command that replays it.
 */
export async function forEachSeed(
  t: TestContext,
  count: number,
  body: (seed: number) => void | Promise<void>,
): Promise<void> {
  const replayed = replaySeed();
  const first = replayed ?? randomInt(2 ** 31);
  const last = replayed ?? first + count - 1;
  t.diagnostic(`seeds ${first} to ${last}`);
  for (let seed = first; seed <= last; seed++) {
    t.signal.throwIfAborted();
    try {
      await body(seed);
    } catch (error) {
      t.diagnostic(replayLine(t, seed));
      throw new Error(`seed ${seed} failed; ${replayLine(t, seed)}\n${stackOf(error)}`, { cause: error });
    }
  }
}

/** The command that runs the test again with this seed. */
export function replayLine(t: TestContext, seed: number): string {
  const file = t.filePath === undefined ? '' : t.filePath.replace(`${process.cwd()}/`, '');
  return `replay: TRANSHIP_SEED=${seed} npm test -- ${file}`;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
