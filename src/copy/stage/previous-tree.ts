import { constants } from 'node:buffer';
import type { Latin1Name } from '../../base/file-system.ts';
import { unquoteName } from '../../repository/format/go-quote.ts';
import { decodeNode } from '../../repository/format/tree-node-reader.ts';
import { corrupt, isId, parseStringText } from '../../repository/format/strict-json.ts';
import { parseNodeText } from '../../repository/format/tree-text.ts';
import { decodeTree, treeClosing, treeOpening } from '../../repository/format/tree.ts';
import type { TreeNode } from '../../repository/format/tree-node.ts';

export const nodeStart = '{"name":"';
export const afterName = '","type":"';
const contentOpening = ',"content":[';
const idCharacters = 64;
const idBytes = 32;
const quote = 0x22;
const comma = 0x2c;

/** What each character means as a digit of an id; 16 and more is none. */
const digitValues = new Uint8Array(128).fill(16);
for (let value = 0; value < 16; value++) digitValues[value.toString(16).charCodeAt(0)] = value;

/** Of the content that was asked for last: a list of strings for every file took longer than its system calls. */
let contentIds = new Uint8Array(64 * idBytes);

/**
 * A folder of the parent snapshot, read beside the folder of the source, in one order. It is compared as text: what an
 * unchanged entry would be stored as stands there, character by character, so that nothing has to be parsed and,
 * where all of a folder is as it was, nothing encoded (parsing and encoding took three times as long as the two
 * system calls of such an entry). Only the node of an entry that differs is parsed.
 *
 * A tree in another form than restic writes is parsed as a whole.
 */
export class PreviousTree {
  readonly id: string;
  readonly #where: string;
  /** Empty where the tree had to be parsed as a whole. */
  readonly #text: string;
  readonly #textEnd: number;
  readonly #parsed: Map<Latin1Name, TreeNode> | undefined;
  /** The node that is looked at begins here. */
  #cursor: number;
  /** Where it ends, once that is known. */
  #nodeEnd = 0;
  #isWhole = true;

  private constructor(id: string, content: TreeContent) {
    this.id = id;
    this.#where = `tree ${id}`;
    this.#text = content.text;
    this.#cursor = content.start;
    this.#textEnd = content.end;
    this.#parsed = content.parsed;
  }

  /** Takes the whole of a tree. Throws RepositoryError `corrupt`. */
  static read(id: string, plaintext: Buffer): PreviousTree {
    // What V8 holds as no string is parsed in slices.
    const text = plaintext.length > constants.MAX_STRING_LENGTH ? '' : plaintext.toString('utf8');
    if (text.startsWith(treeOpening) && text.endsWith(treeClosing) && isUnambiguous(text)) {
      return new PreviousTree(id, { text, start: treeOpening.length, end: text.length - treeClosing.length });
    }
    const parsed = nodesByName(decodeTree(plaintext, `tree ${id}`).nodes);
    return new PreviousTree(id, { text: '', start: 0, end: 0, parsed });
  }

  /** Takes the texts of some of a tree's nodes, joined by commas; undefined where they cannot be compared as text. */
  static ofNodes(id: string, text: string): PreviousTree | undefined {
    return isUnambiguous(text) ? new PreviousTree(id, { text, start: 0, end: text.length }) : undefined;
  }

  /** False where the tree had to be parsed as a whole: nothing in it is found to be equal as text. */
  get isText(): boolean {
    return this.#parsed === undefined;
  }

  /** Where the node that is looked at begins in the text; one behind its end when there is none left. */
  get position(): number {
    return this.#cursor;
  }

  /** Where the last node ends. */
  get end(): number {
    return this.#textEnd;
  }

  textBetween(start: number, end: number): string {
    return this.#text.substring(start, end);
  }

  /** The name at the beginning of the text; undefined where what stands there only looks like a node. */
  firstName(): Latin1Name | undefined {
    const nameEnd = stringEnd(this.#text, this.#cursor + nodeStart.length);
    return this.#text.startsWith(afterName, nameEnd) ? this.#nameAtCursor() : undefined;
  }

  /** True when every entry has been kept, and there were no others: the folder's tree is this one again. */
  get isWhole(): boolean {
    if (!this.#isWhole || this.#parsed !== undefined) return false;
    return this.#nodeEnd === 0 ? this.#cursor === this.#textEnd : this.#nodeEnd === this.#textEnd;
  }

  /**
   * Goes to the node of that name, whose text in a node is `nameText`; false when there is none. Names must be asked
   * for in ascending order.
   */
  find(name: Latin1Name, nameText: string): boolean {
    while (this.#cursor < this.#textEnd) {
      const nameEnd = this.#cursor + nodeStart.length + nameText.length;
      if (this.#text.startsWith(nameText, nameEnd - nameText.length)) {
        if (this.#text.startsWith(afterName, nameEnd)) return true;
      }
      this.#isWhole = false;
      const found = this.#nameAtCursor();
      // Written with other escapes than ours, as rustic does.
      if (found === name) return true;
      if (found > name) return false;
      this.#moveTo(this.#findNodeEnd());
    }
    this.#isWhole = false;
    return this.#parsed?.has(name) ?? false;
  }

  /** True when the node of that name, which was found, is a file's and the name written as `nameText`. */
  isFile(nameText: string): boolean {
    return this.#text.startsWith(
      'file"',
      this.#cursor + nodeStart.length + nameText.length + afterName.length,
    );
  }

  /** True when the text of the found node begins so. */
  startsWith(head: string): boolean {
    return this.#text.startsWith(head, this.#cursor);
  }

  /** True when the found node has exactly this text. */
  equals(node: string): boolean {
    return this.startsWith(node) && this.#endsAt(this.#cursor + node.length);
  }

  /**
   * The ids of the found file's content, one after the other, valid until the next call; undefined when the node does
   * not begin with `head` and end with its content.
   */
  contentBehind(head: string): Uint8Array | undefined {
    const text = this.#text;
    let position = this.#cursor + head.length;
    if (!this.startsWith(head) || !text.startsWith(contentOpening, position)) return undefined;
    position += contentOpening.length;
    let bytes = 0;
    while (text.charCodeAt(position) === quote) {
      if (bytes + idBytes > contentIds.length) contentIds = doubled(contentIds);
      if (!readId(text, position + 1, contentIds, bytes)) return undefined;
      bytes += idBytes;
      position += idCharacters + 2;
      if (text.charCodeAt(position) !== comma || text.charCodeAt(position + 1) !== quote) break;
      position++;
    }
    return text.startsWith(']}', position) && this.#endsAt(position + 2)
      ? contentIds.subarray(0, bytes)
      : undefined;
  }

  /** The tree of the found folder, or undefined when its node does not begin with `head` and end with its tree. */
  subtreeBehind(head: string): string | undefined {
    const opening = `${head},"subtree":"`;
    if (!this.startsWith(opening)) return undefined;
    const start = this.#cursor + opening.length;
    const end = start + idCharacters;
    const id = this.#text.substring(start, end);
    return isId(id) && this.#text.startsWith('"}', end) && this.#endsAt(end + 2) ? id : undefined;
  }

  /** Goes on behind the found node, which the new tree has too, as it is: returns its text. */
  keep(): string {
    const text = this.#text.substring(this.#cursor, this.#nodeEnd);
    this.#moveTo(this.#nodeEnd);
    return text;
  }

  /** Goes on behind the found node and returns it parsed. Throws RepositoryError `corrupt`. */
  parse(name: Latin1Name): TreeNode {
    this.#isWhole = false;
    const parsed = this.#parsed?.get(name);
    if (parsed !== undefined) return parsed;
    const end = this.#findNodeEnd();
    const node = decodeNode(parseNodeText(this.#text.substring(this.#cursor, end)), this.#where);
    this.#moveTo(end);
    if (Buffer.from(node.name).toString('latin1') !== name)
      throw corrupt('a node has two names', this.#where);
    return node;
  }

  #endsAt(end: number): boolean {
    this.#nodeEnd = end;
    return end === this.#textEnd || this.#text[end] === ',';
  }

  #moveTo(nodeEnd: number): void {
    this.#cursor = nodeEnd + 1;
  }

  #nameAtCursor(): Latin1Name {
    const start = this.#cursor + nodeStart.length;
    const quoted = parseStringText(this.#text.substring(start, stringEnd(this.#text, start)), this.#where);
    return unquoteName(quoted, this.#where).toString('latin1');
  }

  /** Where the node at the cursor ends. A nested value may look so too: what is parsed then shows it. */
  #findNodeEnd(): number {
    const boundary = `},${nodeStart}`;
    for (let search = this.#cursor; ;) {
      const found = this.#text.indexOf(boundary, search);
      if (found < 0) return this.#textEnd;
      const nameEnd = stringEnd(this.#text, found + boundary.length);
      if (this.#text.startsWith(afterName, nameEnd)) return found + 1;
      search = found + 1;
    }
  }
}

interface TreeContent {
  readonly text: string;
  /** Where the first node begins, and where the last one ends. */
  readonly start: number;
  readonly end: number;
  readonly parsed?: Map<Latin1Name, TreeNode>;
}

/** Where bytes are no UTF-8 the text does not tell what they were. */
function isUnambiguous(text: string): boolean {
  return !text.includes('\ufffd');
}

/** Reads an id and its closing quote; false when it is none. */
function readId(text: string, start: number, into: Uint8Array, offset: number): boolean {
  let wrong = text.charCodeAt(start + idCharacters) ^ quote;
  for (let i = 0; i < idBytes; i++) {
    const high = digitValues[text.charCodeAt(start + 2 * i)] ?? 16;
    const low = digitValues[text.charCodeAt(start + 2 * i + 1)] ?? 16;
    wrong |= (high | low) & 16;
    into[offset + i] = (high << 4) | low;
  }
  return wrong === 0;
}

function doubled(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes.length * 2);
  larger.set(bytes);
  return larger;
}

/** Where the JSON string that begins at `start` ends: its closing quote, or the end of the text. */
function stringEnd(text: string, start: number): number {
  let index = start;
  for (; index < text.length; index++) {
    const character = text.charCodeAt(index);
    if (character === 0x22) break;
    if (character === 0x5c) index++;
  }
  return index;
}

function nodesByName(nodes: readonly TreeNode[]): Map<Latin1Name, TreeNode> {
  return new Map(nodes.map((node) => [Buffer.from(node.name).toString('latin1'), node]));
}
