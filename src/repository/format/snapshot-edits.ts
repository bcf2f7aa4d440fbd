import { jsonString, jsonValue } from './go-json.ts';

interface Member {
  readonly key: string;
  /** With its key, byte for byte as it stands in the document. */
  readonly text: string;
}

/** Members that restic writes after `tags` and `original`. */
const followers = new Set(['program_version', 'summary', 'tranship']);

/**
 * A snapshot's JSON with other tags and `original`; guaranteed: every other member stays byte for byte, also numbers
 * that JavaScript cannot hold and members that no program of today knows. `json` must be a sound snapshot document.
 */
export function replaceTags(json: Uint8Array, tags: readonly string[], original: string): Buffer {
  return replaceMembers(
    json,
    ['tags', 'original'],
    [...(tags.length === 0 ? [] : [`"tags":${jsonValue(tags)}`]), `"original":${jsonString(original)}`],
  );
}

/**
 * A snapshot's JSON for another repository: with `original`, and without the parent, which that one need not have.
 * Everything else stays byte for byte, as with {@link replaceTags}.
 */
export function replaceOrigin(json: Uint8Array, original: string): Buffer {
  return replaceMembers(json, ['parent', 'original'], [`"original":${jsonString(original)}`]);
}

/** The new members go to where restic writes tags and original. */
function replaceMembers(json: Uint8Array, removed: readonly string[], added: readonly string[]): Buffer {
  // One character a byte, so that even text that is no UTF-8 comes out as it went in.
  const kept = membersOf(Buffer.from(json).toString('latin1')).filter(({ key }) => !removed.includes(key));
  const changed = added.map((text) => Buffer.from(text).toString('latin1'));
  const follower = kept.findIndex(({ key }) => followers.has(key));
  const texts = kept
    .map(({ text }) => text)
    .toSpliced(follower === -1 ? kept.length : follower, 0, ...changed);
  return Buffer.from(`{${texts.join(',')}}`, 'latin1');
}

/** The members of the object that a sound JSON text is. */
function membersOf(text: string): Member[] {
  const members: Member[] = [];
  let depth = 0;
  let start = 0;
  const end = (index: number): void => {
    const member = text.slice(start, index).trim();
    if (member !== '') members.push({ key: keyOf(member), text: member });
    start = index + 1;
  };
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '"') index = endOfString(text, index);
    else if (character === '{' || character === '[') {
      if (depth++ === 0) start = index + 1;
    } else if (character === '}' || character === ']') {
      if (--depth === 0) end(index);
    } else if (character === ',' && depth === 1) end(index);
  }
  return members;
}

function keyOf(member: string): string {
  const key: unknown = JSON.parse(member.slice(0, endOfString(member, 0) + 1));
  return String(key);
}

/** The index of the quote that ends the string which begins at `index`. */
function endOfString(text: string, index: number): number {
  let end = index + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end;
}
