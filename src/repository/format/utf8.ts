/**
 * The rune of well-formed UTF-8 that starts at `index`, or -1 when the byte there starts none (a stray or truncated
 * sequence, an overlong form, a surrogate, beyond U+10FFFF). Go then steps over exactly one byte, so callers must too.
 */
export function runeAt(bytes: Uint8Array, index: number): number {
  const first = bytes[index] ?? 0xff;
  if (first < 0x80) return first;
  if (first < 0xc2 || first > 0xf4) return -1;
  const second = bytes[index + 1] ?? 0;
  if ((second & 0xc0) !== 0x80) return -1;
  if (first < 0xe0) return ((first & 0x1f) << 6) | (second & 0x3f);
  const third = bytes[index + 2] ?? 0;
  if ((third & 0xc0) !== 0x80) return -1;
  if (first < 0xf0) {
    const rune = ((first & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f);
    return rune < 0x800 || (rune >= 0xd800 && rune <= 0xdfff) ? -1 : rune;
  }
  const fourth = bytes[index + 3] ?? 0;
  if ((fourth & 0xc0) !== 0x80) return -1;
  const rune = ((first & 0x07) << 18) | ((second & 0x3f) << 12) | ((third & 0x3f) << 6) | (fourth & 0x3f);
  return rune < 0x10000 || rune > 0x10ffff ? -1 : rune;
}

/** Bytes that UTF-8 takes for a rune. */
export function runeLength(rune: number): number {
  if (rune < 0x80) return 1;
  if (rune < 0x800) return 2;
  return rune < 0x10000 ? 3 : 4;
}
