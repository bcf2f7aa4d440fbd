import { isFields } from './aws-api.ts';
import type { Field, Fields } from './aws-api.ts';

/** An answer that is an error, as EC2 and KMS word it. */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export function text(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}

export function number(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  return typeof value === 'number' ? value : undefined;
}

export function list(fields: Fields, name: string): readonly Field[] {
  const value = fields[name];
  return Array.isArray(value) ? value : [];
}

export function texts(fields: Fields, name: string): readonly string[] {
  return list(fields, name).filter((item) => typeof item === 'string');
}

export function structures(fields: Fields, name: string): readonly Fields[] {
  return list(fields, name).filter(isFields);
}

export function structure(fields: Fields, name: string): Fields {
  const value = fields[name];
  return isFields(value) ? value : {};
}

/** Of `TagSpecifications`, each of which must be for what is made. */
export function specifiedTags(input: Fields, resourceType: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (const specification of structures(input, 'TagSpecifications')) {
    if (text(specification, 'ResourceType') !== resourceType) {
      throw new Refusal('InvalidParameterValue', `tags for a ${text(specification, 'ResourceType')}`);
    }
    putTags(tags, specification);
  }
  return tags;
}

export function putTags(into: Map<string, string>, fields: Fields): void {
  for (const tag of structures(fields, 'Tags')) {
    const [key, value] = [text(tag, 'Key'), text(tag, 'Value')];
    if (/^aws:/i.test(key))
      throw new Refusal('InvalidParameterValue', 'Tag keys starting with aws: are reserved');
    if (key === '' || key.length > 128 || value.length > 256) {
      throw new Refusal('InvalidParameterValue', 'Tag key or value is too long');
    }
    into.set(key, value);
  }
  if (into.size > 50) throw new Refusal('TagLimitExceeded', 'The maximum number of tags has been reached');
}

/** Whether something with these tags passes every filter; `*` and `?` stand for any characters. */
export function passesTagFilters(tags: ReadonlyMap<string, string>, input: Fields): boolean {
  return structures(input, 'Filters').every((filter) => {
    const name = text(filter, 'Name');
    if (!name.startsWith('tag:'))
      throw new Refusal('InvalidParameterValue', `The filter '${name}' is invalid`);
    const value = tags.get(name.slice('tag:'.length));
    return value !== undefined && texts(filter, 'Values').some((pattern) => matches(pattern, value));
  });
}

function matches(pattern: string, value: string): boolean {
  const source = pattern.replace(/\\(.)|([*?])|([^\\*?])/gs, (_, escaped, wild, plain) => {
    if (wild === '*') return '.*';
    if (wild === '?') return '.';
    return String(escaped ?? plain).replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
  });
  return new RegExp(`^${source}$`, 's').test(value);
}
