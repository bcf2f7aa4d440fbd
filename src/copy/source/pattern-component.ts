/**
 * One component of a pattern, with the meaning of Go's filepath.Match: `*`, `?`, classes `[a-z]` and `[^a-z]`, and
 * `\` before any character. Works on byte strings (see pattern-rune.ts): literals compare bytes, `?` and classes take
 * one rune or one invalid byte. Time is bounded by pattern length x name length: a star never backtracks past the next.
 */
import { decodeRune, isInvalidRune } from './pattern-rune.ts';

export interface PatternComponent {
  /** Both are byte strings; the name must be one path component. */
  matches(name: string): boolean;
}

type Token =
  | { readonly kind: 'literal'; readonly byte: number }
  | { readonly kind: 'any' }
  | { readonly kind: 'class'; readonly isNegated: boolean; readonly ranges: readonly RuneRange[] };

interface RuneRange {
  readonly low: number;
  readonly high: number;
}

/** A run of tokens of one rune each; `floats` when a star stands before it. */
interface Chunk {
  readonly tokens: Token[];
  readonly floats: boolean;
}

/** Undefined when the component is malformed: an open class, a reversed escape, an empty or invalid range. */
export function compileComponent(pattern: string): PatternComponent | undefined {
  if (!/[\\[\]*?]/.test(pattern)) return { matches: (name) => name === pattern };
  const chunks = parseChunks(pattern);
  return chunks === undefined ? undefined : { matches: (name) => matchChunks(chunks, name) };
}

function parseChunks(pattern: string): readonly Chunk[] | undefined {
  const chunks: Chunk[] = [];
  let current: Chunk = { tokens: [], floats: false };
  for (let position = 0; position < pattern.length;) {
    if (pattern[position] === '*') {
      // Several stars in a row mean one.
      if (current.tokens.length > 0 || !current.floats) chunks.push(current);
      current = { tokens: [], floats: true };
      position++;
      continue;
    }
    const parsed = parseToken(pattern, position);
    if (parsed === undefined) return undefined;
    current.tokens.push(parsed.token);
    position = parsed.end;
  }
  chunks.push(current);
  return chunks;
}

function parseToken(pattern: string, start: number): { token: Token; end: number } | undefined {
  const character = pattern[start];
  if (character === '?') return { token: { kind: 'any' }, end: start + 1 };
  if (character === '[') return parseClass(pattern, start + 1);
  const position = character === '\\' ? start + 1 : start;
  if (position >= pattern.length) return undefined;
  return { token: { kind: 'literal', byte: pattern.charCodeAt(position) }, end: position + 1 };
}

function parseClass(pattern: string, start: number): { token: Token; end: number } | undefined {
  const isNegated = pattern[start] === '^';
  const ranges: RuneRange[] = [];
  let position = isNegated ? start + 1 : start;
  while (pattern[position] !== ']' || ranges.length === 0) {
    const low = parseClassRune(pattern, position);
    if (low === undefined) return undefined;
    let high = low;
    if (pattern[low.end] === '-') {
      const end = parseClassRune(pattern, low.end + 1);
      if (end === undefined) return undefined;
      high = end;
    }
    ranges.push({ low: low.value, high: high.value });
    position = high.end;
  }
  return { token: { kind: 'class', isNegated, ranges }, end: position + 1 };
}

function parseClassRune(pattern: string, start: number): { value: number; end: number } | undefined {
  const character = pattern[start];
  if (character === undefined || character === '-' || character === ']') return undefined;
  const position = character === '\\' ? start + 1 : start;
  if (position >= pattern.length) return undefined;
  const rune = decodeRune(pattern, position);
  if (isInvalidRune(rune)) return undefined;
  return { value: rune.value, end: position + rune.width };
}

function matchChunks(chunks: readonly Chunk[], name: string): boolean {
  let position = 0;
  for (const [index, chunk] of chunks.entries()) {
    const isLast = index === chunks.length - 1;
    if (chunk.floats && isLast && chunk.tokens.length === 0) return true;
    const end = findChunk(chunk, name, position, isLast);
    if (end === undefined) return false;
    position = end;
  }
  return position === name.length;
}

/** The leftmost place is the right one for every chunk but the last, which must end where the name ends. */
function findChunk(chunk: Chunk, name: string, from: number, isLast: boolean): number | undefined {
  const lastStart = chunk.floats ? name.length : from;
  for (let start = from; start <= lastStart; start++) {
    const end = matchTokens(chunk.tokens, name, start);
    if (end !== undefined && (!isLast || end === name.length)) return end;
  }
  return undefined;
}

function matchTokens(tokens: readonly Token[], name: string, start: number): number | undefined {
  let position = start;
  for (const token of tokens) {
    if (position >= name.length) return undefined;
    if (token.kind === 'literal') {
      if (name.charCodeAt(position) !== token.byte) return undefined;
      position++;
      continue;
    }
    const rune = decodeRune(name, position);
    if (token.kind === 'class' && classHas(token.ranges, rune.value) === token.isNegated) return undefined;
    position += rune.width;
  }
  return position;
}

function classHas(ranges: readonly RuneRange[], value: number): boolean {
  return ranges.some((range) => range.low <= value && value <= range.high);
}
