import type { Filter, Tag } from '@aws-sdk/client-ec2';
import { DiskError } from '../../../base/errors.ts';
import { operationTag } from '../driver.ts';
import type { DiskTags } from '../driver.ts';

/** What EC2 allows, counted in code points; `aws:` is Amazon's own. */
const MAX_KEY_CHARS = 128;
const MAX_VALUE_CHARS = 256;
const MAX_TAGS = 50;
const RESERVED = /^aws:/i;

/** EC2 takes any characters, so that tags stand there as they are. Throws DiskError for what it does not take. */
export function writeTags(tags: DiskTags, where: string): Tag[] {
  const entries = Object.entries(tags);
  if (entries.length > MAX_TAGS) throw unfit(`more than ${MAX_TAGS} tags`, where);
  return entries.map(([key, value]) => {
    if (key === '' || RESERVED.test(key)) throw unfit(`the key of tag ${JSON.stringify(key)}`, where);
    if (lengthOf(key) > MAX_KEY_CHARS) throw unfit(`a key of more than ${MAX_KEY_CHARS} characters`, where);
    if (lengthOf(value) > MAX_VALUE_CHARS) {
      throw unfit(`the value of tag ${key}, of more than ${MAX_VALUE_CHARS} characters`, where);
    }
    return { Key: key, Value: value };
  });
}

/** The same with the tag of the operation that makes what is tagged. */
export function writeOwnTags(
  { operationId, tags }: { readonly operationId: string; readonly tags: DiskTags },
  where: string,
): Tag[] {
  return writeTags({ ...tags, [operationTag]: operationId }, where);
}

/** Without those of Amazon's own, which nobody else can set. */
export function readTags(tags: readonly Tag[] | undefined): DiskTags {
  const entries = (tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value] as const);
  return Object.fromEntries(entries.filter(([key]) => !RESERVED.test(key)));
}

/** Finds what has all of the tags, and perhaps more: see {@link hasTags}. */
export function tagFilters(tags: DiskTags): Filter[] {
  return Object.entries(tags).map(([key, value]) => ({
    Name: `tag:${key}`,
    // `*` and `?` would stand for any characters.
    Values: [value.replace(/[\\*?]/g, String.raw`\$&`)],
  }));
}

/** Exactly these values, capitals included. */
export function hasTags(found: DiskTags, wanted: DiskTags): boolean {
  return Object.entries(wanted).every(([key, value]) => found[key] === value);
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}

function unfit(what: string, where: string): DiskError {
  return new DiskError('invalid-argument', `EC2 does not take ${what}`, { where });
}
