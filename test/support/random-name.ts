import type { Random } from './seed.ts';

const MAX_NAME_BYTES = 255;

const words = [
  'a',
  'data',
  'README.md',
  'index.html',
  'x.tar.gz',
  'Ablage',
  'été',
  '日本語',
  '😀',
  'log',
  'tmp',
] as const;

/** Names that have broken programs: options, dots, globs, quotes, white space, escapes, reserved words. */
const traps = [
  '-rf',
  '--',
  '-',
  '...',
  '..x',
  '.hidden',
  '..\\test',
  ' ',
  'a b',
  ' lead',
  'trail ',
  'new\nline',
  '\r\n',
  'tab\t',
  '\u001b[31mred',
  '\u007f',
  '*',
  '?',
  '[a]',
  '\\',
  '\\xff',
  '\\u200b',
  '"',
  "'",
  '`id`',
  '$HOME',
  '#',
  '!',
  '<a>&b',
  '%41',
  'a:b',
  'CON',
  'null',
  '__proto__',
  'constructor',
] as const;

/**
 * Characters that Go's strconv.Quote escapes or that text loses: separators, marks, controls, private use, NFC and NFD.
 */
const oddCharacters = [
  '\u0085',
  '\u00a0',
  '\u00ad',
  '\u0301',
  '\u200b',
  '\u2028',
  '\u2029',
  '\u202e',
  '\u3000',
  '\ue000',
  '\ufeff',
  '\ufffd',
  '\u{10ffff}',
  '\u{e0001}',
  'é',
  'e\u0301',
] as const;

/** Invalid UTF-8: lone bytes, cut sequences, an overlong slash, a surrogate. */
const invalidSequences = ['ff', 'c3', 'e282', 'f09f98', 'c0af', 'eda080', '80', 'fe80'] as const;

/** A file name of any bytes: never empty, `.`, `..`, and without `/` and NUL. */
export function randomName(random: Random): Buffer {
  const roll = random.below(20);
  if (roll < 10) return Buffer.from(`${random.pick(words)}${random.below(1000)}`);
  if (roll < 13) return Buffer.from(random.pick(traps));
  if (roll < 15) return Buffer.from(`${random.pick(words)}${random.pick(oddCharacters)}${random.below(10)}`);
  if (roll < 17) return surrounded(random, Buffer.from(random.pick(invalidSequences), 'hex'));
  if (roll < 18) return longName(random);
  return arbitraryBytes(random, random.between(1, 40));
}

/** The bytes of a link's target: dangling, absolute, relative, outside, itself, or nothing sensible at all. */
export function randomTarget(random: Random): Buffer {
  const roll = random.below(8);
  if (roll === 0) return Buffer.from('/etc/passwd');
  if (roll === 1) return Buffer.from(`${'../'.repeat(random.between(1, 20))}outside`);
  if (roll === 2) return Buffer.from(random.pick(['.', '..', '/', '//', './.']));
  if (roll === 3)
    return Buffer.concat([Buffer.from('dir/'), Buffer.from(random.pick(invalidSequences), 'hex')]);
  if (roll === 4) return Buffer.from(`${'long/'.repeat(random.between(20, 700))}x`);
  return randomName(random);
}

function surrounded(random: Random, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(random.pick(words)), bytes, Buffer.from(random.chance(0.5) ? 'z' : '')]);
}

function longName(random: Random): Buffer {
  if (random.chance(0.5)) return arbitraryBytes(random, MAX_NAME_BYTES);
  return Buffer.from('é'.repeat(127) + random.pick(['x', 'y', 'z']));
}

function arbitraryBytes(random: Random, length: number): Buffer {
  const bytes = random.bytes(length);
  for (const [i, byte] of bytes.entries()) if (byte === 0 || byte === 0x2f) bytes[i] = 0x5f;
  const text = bytes.toString('latin1');
  return text === '.' || text === '..' ? Buffer.from('_') : bytes;
}
