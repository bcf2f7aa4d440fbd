/**
 * One pattern over whole paths, with restic's meaning (manual, "Excluding Files"):
 * - a pattern that starts with `/` is anchored at the root, any other may begin at every component;
 * - it need not reach the path's end: a pattern that matches a directory matches all below it;
 * - `**` as a whole component stands for any number of components;
 * - `!` in front negates; a trailing `/`, `//`, `.` and `..` are cleaned away lexically.
 */
import { compileComponent } from './pattern-component.ts';
import type { PatternComponent } from './pattern-component.ts';

export interface Pattern {
  readonly isNegated: boolean;
  /** Matches a path when one of its components, taken alone, matches. */
  readonly isByName: boolean;
  /** `components` are byte strings; the path is absolute. */
  matches(components: readonly string[]): boolean;
  /** False only when no path below can match. */
  mayMatchBelow(components: readonly string[]): boolean;
}

interface Shape {
  readonly isAnchored: boolean;
  /** The runs of components between the `**`: one more than there are `**`. */
  readonly segments: readonly (readonly PatternComponent[])[];
  /** Components of the pattern, each `**` counted as one. */
  readonly length: number;
}

/** Undefined when the pattern is malformed. `text` is a byte string, not empty. */
export function compilePattern(text: string): Pattern | undefined {
  const isNegated = text.startsWith('!');
  const shape = parseShape(isNegated ? text.slice(1) : text);
  if (shape === undefined) return undefined;
  return {
    isNegated,
    isByName: !shape.isAnchored && shape.segments.length === 1 && shape.length === 1,
    matches: (components) => matchesShape(shape, components),
    mayMatchBelow: (components) => mayMatchBelowShape(shape, components),
  };
}

function parseShape(text: string): Shape | undefined {
  const isAnchored = text.startsWith('/');
  const names = cleanComponents(text, isAnchored);
  const segments: PatternComponent[][] = [[]];
  for (const name of names) {
    if (name === '**') {
      segments.push([]);
      continue;
    }
    const component = compileComponent(name);
    if (component === undefined) return undefined;
    segments.at(-1)?.push(component);
  }
  return { isAnchored, segments, length: names.length };
}

/** Go's filepath.Clean. The lone `/` becomes `**`, since restic lets it match everything. */
function cleanComponents(text: string, isAnchored: boolean): string[] {
  const names: string[] = [];
  for (const name of text.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.length > 0 && names.at(-1) !== '..') names.pop();
    else if (!isAnchored) names.push(name);
  }
  if (names.length === 0) names.push(isAnchored ? '**' : '.');
  return names;
}

function matchesShape(shape: Shape, components: readonly string[]): boolean {
  const first = shape.segments[0] ?? [];
  const lastStart = shape.isAnchored ? 0 : components.length - first.length;
  for (let start = 0; start <= lastStart; start++) {
    if (matchesFrom(shape, components, start)) return true;
  }
  return false;
}

/**
 * Taking the leftmost place of every segment is enough, since nothing must end at the path's end.
 *
 * restic expands one `**` at a time and gives up as soon as the pattern, with each later `**` still counted as one
 * component, is longer than the path: `/a/**` + `/**` does not match `/a`, though `/a/**` does. `slack` keeps that.
 */
function matchesFrom(shape: Shape, components: readonly string[], start: number): boolean {
  const slack = shape.isAnchored ? 0 : start + 1;
  let position = start;
  let patternLeft = shape.length;
  for (const [index, segment] of shape.segments.entries()) {
    if (index > 0) patternLeft--;
    const found = findSegment(segment, components, position, index === 0);
    if (found === undefined) return false;
    if (index > 0 && components.length - found < patternLeft - slack) return false;
    position = found + segment.length;
    patternLeft -= segment.length;
  }
  return true;
}

function findSegment(
  segment: readonly PatternComponent[],
  components: readonly string[],
  from: number,
  isFixed: boolean,
): number | undefined {
  const lastStart = components.length - segment.length;
  for (let start = from; start <= (isFixed ? Math.min(from, lastStart) : lastStart); start++) {
    if (segmentMatches(segment, components, start, segment.length)) return start;
  }
  return undefined;
}

function segmentMatches(
  segment: readonly PatternComponent[],
  components: readonly string[],
  start: number,
  count: number,
): boolean {
  for (let i = 0; i < count; i++) {
    const name = components[start + i];
    if (name === undefined || segment[i]?.matches(name) !== true) return false;
  }
  return true;
}

function mayMatchBelowShape(shape: Shape, components: readonly string[]): boolean {
  if (!shape.isAnchored) return true;
  const prefix = shape.segments[0] ?? [];
  return segmentMatches(prefix, components, 0, Math.min(prefix.length, components.length));
}
