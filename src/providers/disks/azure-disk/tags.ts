import { DiskError } from '../../../base/errors.ts';
import type { DiskTags } from '../driver.ts';

const MAX_TAGS = 50;
const MAX_NAME = 512;
/** Of a value, in characters. */
export const MAX_VALUE = 256;
/** What a name on Azure cannot have, and what stands for it here. */
const ESCAPED = /[<>%&\\?:^]/g;
const ESCAPE = /\^(3c|3e|25|26|5c|3f|3a|5e)/g;

/**
 * Tags as Azure takes them. A name there has none of `<>%&\?/`: a slash becomes a colon, and each of the others, with
 * the colon itself, `^` and two digits. Throws DiskError for tags that Azure does not take, `where` being their key.
 */
export function azureTags(tags: DiskTags): Record<string, string> {
  const entries = Object.entries(tags).map(([key, value]) => [azureTagName(key), value] as const);
  if (entries.length > MAX_TAGS) {
    throw refused(`more than the ${MAX_TAGS} tags that a resource of Azure can have`, String(entries.length));
  }
  const names = new Set<string>();
  for (const [name, value] of entries) {
    if (name === '' || name.length > MAX_NAME)
      throw refused(`a tag’s key must have 1 to ${MAX_NAME} characters`, name);
    if (value.length > MAX_VALUE) throw refused(`a tag’s value has more than ${MAX_VALUE} characters`, name);
    if (names.has(name.toLowerCase()))
      throw refused('Azure takes two tags for one: only their case differs', name);
    names.add(name.toLowerCase());
  }
  return Object.fromEntries(entries);
}

/** The tags of a resource in this project's spelling. */
export function tagsOf(tags: Readonly<Record<string, string>> | undefined): DiskTags {
  return Object.fromEntries(Object.entries(tags ?? {}).map(([name, value]) => [tagKey(name), value]));
}

/** True for tags that hold all of the others. Azure does not tell keys apart by their case. */
export function hasTags(tags: DiskTags, wanted: DiskTags): boolean {
  const known = new Map(Object.entries(tags).map(([key, value]) => [key.toLowerCase(), value]));
  return Object.entries(wanted).every(([key, value]) => known.get(key.toLowerCase()) === value);
}

function azureTagName(key: string): string {
  return key
    .replace(ESCAPED, (character) => `^${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replaceAll('/', ':');
}

function tagKey(name: string): string {
  return name
    .replaceAll(':', '/')
    .replace(ESCAPE, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function refused(what: string, where: string): DiskError {
  return new DiskError('invalid-argument', what, { where, advice: 'take fewer or shorter labels along' });
}
