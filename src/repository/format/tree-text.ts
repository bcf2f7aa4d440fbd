import { bufferView } from './buffer-view.ts';
import { asObject, corrupt, isObject, parseJson } from './strict-json.ts';
import type { JsonObject } from './strict-json.ts';

const opening = Buffer.from('{"nodes":[');
const closing = Buffer.from(']}\n');
const nodeBoundary = Buffer.from('},{"name":"');
const afterName = Buffer.from('","type":"');
const sliceBytes = 256 * 1024;

/**
 * Calls `visit` with every element of the `nodes` array of a tree's JSON, in order. A big tree in the form that restic
 * writes is parsed slice by slice, so that neither its text nor its parsed form ever exists as a whole and V8's string
 * limit bounds no directory; other JSON is parsed at once. 64-bit numbers under `inode`, `device_id` and `device`
 * arrive as strings of digits where a double would round them. `reset` is called when visiting begins anew.
 */
export function visitTreeText(
  bytes: Uint8Array,
  where: string,
  visitor: { reset(): void; visit(node: unknown): void },
): void {
  const buffer = bufferView(bytes);
  if (buffer.length > sliceBytes && visitSlices(buffer, (node) => visitor.visit(node))) return;
  visitor.reset();
  for (const node of wholeNodes(buffer, where)) visitor.visit(node);
}

function wholeNodes(buffer: Buffer, where: string): readonly unknown[] {
  const nodes = nodesOf(parseJson(buffer, 'tree', where), where);
  if (!nodes.some(holdsRoundedNumber)) return nodes;
  const exactText = Buffer.from(quoteWideNumbers(buffer.toString('utf8')));
  return nodesOf(parseJson(exactText, 'tree', where), where);
}

function nodesOf(tree: unknown, where: string): readonly unknown[] {
  const { nodes } = asObject(tree, 'tree', where);
  if (!Array.isArray(nodes)) throw corrupt('tree has no list of nodes', where);
  return nodes;
}

/**
 * Guaranteed to return false when the text as a whole may be parsed otherwise than its slices: a cut inside a nested
 * value leaves a bracket open, so one of its slices does not parse.
 */
function visitSlices(buffer: Buffer, visit: (node: unknown) => void): boolean {
  const end = buffer.length - closing.length;
  if (!buffer.subarray(0, opening.length).equals(opening) || !buffer.subarray(end).equals(closing))
    return false;
  let isWide = false;
  for (let start = opening.length; start < end;) {
    const next = nextNode(buffer, start + sliceBytes, end);
    const slice = parseSlice(buffer.toString('utf8', start, next < 0 ? end : next - 1), isWide);
    if (slice === undefined) return false;
    isWide = slice.isWide;
    for (const node of slice.nodes) visit(node);
    start = next < 0 ? end : next;
  }
  return true;
}

/** Offset of the first node that begins behind `from`, or -1. It may also be a nested value that looks like a node. */
function nextNode(buffer: Buffer, from: number, end: number): number {
  for (let search = from; search < end;) {
    const found = buffer.indexOf(nodeBoundary, search);
    if (found < 0) return -1;
    const nameEnd = stringEnd(buffer, found + nodeBoundary.length);
    if (nameEnd >= 0 && buffer.subarray(nameEnd, nameEnd + afterName.length).equals(afterName))
      return found + 2;
    search = found + nodeBoundary.length;
  }
  return -1;
}

/** Offset of the quote that ends the JSON string whose text begins at `start`, or -1. */
function stringEnd(buffer: Buffer, start: number): number {
  for (let index = start; index < buffer.length; index++) {
    const byte = buffer[index];
    if (byte === 0x22) return index;
    if (byte === 0x5c) index++;
  }
  return -1;
}

/** The parsed JSON of one node, as {@link visitTreeText} hands it on; undefined when it is malformed. */
export function parseNodeText(text: string): unknown {
  const nodes = parseSlice(text, false)?.nodes ?? [];
  return nodes.length === 1 ? nodes[0] : undefined;
}

interface Slice {
  readonly nodes: readonly unknown[];
  /** Whether it held numbers that a double rounds; file systems with one such inode have many. */
  readonly isWide: boolean;
}

function parseSlice(text: string, expectWide: boolean): Slice | undefined {
  try {
    if (!expectWide) {
      const nodes = parseNodes(text);
      if (!nodes.some(holdsRoundedNumber)) return { nodes, isWide: false };
    }
    const exactText = quoteWideNumbers(text);
    return { nodes: parseNodes(exactText), isWide: exactText.length > text.length };
  } catch {
    return undefined;
  }
}

function parseNodes(text: string): readonly unknown[] {
  const nodes: unknown = JSON.parse(`[${text}]`);
  return Array.isArray(nodes) ? nodes : [];
}

function holdsRoundedNumber(node: unknown): boolean {
  return (
    isObject(node) && (isRounded(node, 'inode') || isRounded(node, 'device_id') || isRounded(node, 'device'))
  );
}

function isRounded(node: JsonObject, key: string): boolean {
  const value = node[key];
  return typeof value === 'number' && value > Number.MAX_SAFE_INTEGER;
}

/**
 * Puts quotes around numbers of 16 and more digits under the keys of 64-bit fields. An unescaped quote cannot stand
 * inside a JSON string, so the pattern only ever matches keys.
 */
function quoteWideNumbers(text: string): string {
  return text.replace(/("(?:inode|device_id|device)"\s*:\s*)(\d{16,})/g, '$1"$2"');
}
