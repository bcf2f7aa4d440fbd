/**
 * Runes inside byte strings. A byte string holds one byte in each character (latin1), so that names of any bytes can
 * use the engine's fast string comparisons. Decoding follows Go's utf8.DecodeRune, which restic's patterns rest on:
 * an invalid byte is one rune, U+FFFD, one byte wide.
 */
export const RUNE_ERROR = 0xfffd;

const INVALID: Rune = { value: RUNE_ERROR, width: 1 };

export interface Rune {
  readonly value: number;
  /** Bytes that the rune takes. 1 with value U+FFFD means an invalid byte. */
  readonly width: number;
}

export function isInvalidRune(rune: Rune): boolean {
  return rune.value === RUNE_ERROR && rune.width === 1;
}

/** Must be called with `position` inside of `bytes`. */
export function decodeRune(bytes: string, position: number): Rune {
  const lead = bytes.charCodeAt(position);
  if (lead < 0x80) return { value: lead, width: 1 };
  const width = sequenceWidth(lead);
  if (width === 0 || position + width > bytes.length) return INVALID;
  let value = lead & (0x7f >> width);
  for (let i = 1; i < width; i++) {
    const byte = bytes.charCodeAt(position + i);
    if ((byte & 0xc0) !== 0x80) return INVALID;
    value = (value << 6) | (byte & 0x3f);
  }
  return isShortestScalar(value, width) ? { value, width } : INVALID;
}

function sequenceWidth(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

function isShortestScalar(value: number, width: number): boolean {
  if (width === 3) return value >= 0x800 && (value < 0xd800 || value > 0xdfff);
  if (width === 4) return value >= 0x10000 && value <= 0x10ffff;
  return true;
}

/**
 * Lower case as Go's strings.ToLower has it: rune by rune, without context, and invalid bytes become U+FFFD (three
 * bytes), so two names that differ only in invalid bytes are equal without case.
 */
export function toLowerCase(bytes: string): string {
  let lower = '';
  for (let position = 0; position < bytes.length;) {
    const rune = decodeRune(bytes, position);
    lower += rune.value < 0x80 ? String.fromCharCode(asciiLower(rune.value)) : lowerBytes(rune.value);
    position += rune.width;
  }
  return lower;
}

function asciiLower(value: number): number {
  return value >= 0x41 && value <= 0x5a ? value + 0x20 : value;
}

function lowerBytes(value: number): string {
  // U+0130 is the one character whose full lower case in ECMAScript has two code points; the simple mapping is `i`.
  if (value === 0x130) return 'i';
  return Buffer.from(String.fromCodePoint(value).toLowerCase(), 'utf8').toString('latin1');
}
