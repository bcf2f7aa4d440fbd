import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../project-files.ts';

export type AwsService = 'ec2' | 'kms' | 'sts';

/** A request or an answer by the names of Amazon's description. */
export interface Fields {
  readonly [name: string]: Field;
}
export type Field = string | number | boolean | Date | undefined | readonly Field[] | Fields;

interface Member {
  readonly shape: string;
  readonly locationName?: string;
  readonly queryName?: string;
}

interface Shape {
  readonly type: string;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly members?: Readonly<Record<string, Member>>;
  readonly member?: Member;
}

interface Operation {
  readonly input?: string;
  readonly output?: string;
  readonly resultWrapper?: string;
}

interface Description {
  readonly apiVersion: string;
  readonly protocol: string;
  readonly xmlNamespace?: string;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

/** Made by scripts/aws-api.ts. */
const descriptions = JSON.parse(
  readFileSync(join(projectRoot, 'test/fixtures/aws-api.json'), 'utf8'),
) as Readonly<Record<AwsService, Description>>;

/** The services that the driver calls, as Amazon describes them. What a request has wrong goes to `onViolation`. */
export class AwsApi {
  readonly #description: Description;
  readonly #onViolation: (violation: string) => void;

  constructor(service: AwsService, onViolation: (violation: string) => void) {
    this.#description = descriptions[service];
    this.#onViolation = onViolation;
  }

  has(action: string): boolean {
    return Object.hasOwn(this.#description.operations, action);
  }

  /** A form as EC2 and STS take it: `Filter.1.Value.2=x`. */
  readForm(action: string, form: URLSearchParams): Fields {
    const { apiVersion } = this.#description;
    const fields: Record<string, Field> = {};
    const input = this.#operation(action).input ?? '';
    for (const [key, value] of form) {
      if (key === 'Action') continue;
      if (key === 'Version') {
        if (value !== apiVersion) this.#onViolation(`${action}: Version ${value}`);
        continue;
      }
      this.#put(fields, input, { path: key.split('.'), value, name: `${action}: ${key}` });
    }
    this.#check(fields, input, action);
    return fields;
  }

  /** A body as KMS takes it. */
  readJson(action: string, body: Fields): Fields {
    this.#check(body, this.#operation(action).input ?? '', action);
    return body;
  }

  writeXml(action: string, fields: Fields): string {
    const { output, resultWrapper } = this.#operation(action);
    const { xmlNamespace = '' } = this.#description;
    const inner = output === undefined ? '<return>true</return>' : this.#xml(fields, output, action);
    const wrapped = resultWrapper === undefined ? inner : `<${resultWrapper}>${inner}</${resultWrapper}>`;
    const open = `${action}Response xmlns="${xmlNamespace}"`;
    return `<?xml version="1.0"?><${open}><requestId>r-1</requestId>${wrapped}</${action}Response>`;
  }

  writeJson(action: string, fields: Fields): string {
    const { output } = this.#operation(action);
    if (output !== undefined) this.#check(fields, output, action);
    return JSON.stringify(fields);
  }

  #operation(action: string): Operation {
    const operation = this.#description.operations[action];
    if (operation === undefined) throw new Error(`no such call: ${action}`);
    return operation;
  }

  #shape(name: string): Shape {
    const shape = this.#description.shapes[name];
    if (shape === undefined) throw new Error(`no such shape: ${name}`);
    return shape;
  }

  #put(
    into: Record<string, Field>,
    structure: string,
    { path, value, name }: { path: readonly string[]; value: string; name: string },
  ): void {
    const [wire = '', ...rest] = path;
    const found = Object.entries(this.#shape(structure).members ?? {}).find(
      ([key, member]) => requestName(key, member) === wire,
    );
    if (found === undefined) {
      this.#onViolation(name);
      return;
    }
    const [key, member] = found;
    into[key] = this.#merged(into[key], member.shape, { path: rest, value, name });
  }

  #merged(
    before: Field,
    shapeName: string,
    { path, value, name }: { path: readonly string[]; value: string; name: string },
  ): Field {
    const shape = this.#shape(shapeName);
    if (shape.type === 'structure') {
      const fields: Record<string, Field> = isFields(before) ? { ...before } : {};
      this.#put(fields, shapeName, { path, value, name });
      return fields;
    }
    if (shape.type === 'list') {
      const [index = '', ...rest] = path;
      const items = Array.isArray(before) ? [...before] : [];
      if (!/^[1-9]\d*$/.test(index)) this.#onViolation(name);
      const at = Number(index) - 1;
      items[at] = this.#merged(items[at], shape.member?.shape ?? '', { path: rest, value, name });
      return items;
    }
    if (path.length > 0) this.#onViolation(name);
    return this.#scalar(shape, value, name);
  }

  #scalar(shape: Shape, value: string, name: string): Field {
    if (shape.type === 'boolean') {
      if (value !== 'true' && value !== 'false') this.#onViolation(`${name}=${value}`);
      return value === 'true';
    }
    if (shape.type === 'integer' || shape.type === 'long') {
      if (!/^-?\d+$/.test(value)) this.#onViolation(`${name}=${value}`);
      return Number(value);
    }
    return value;
  }

  /** Unknown fields, missing ones, and values that are none of a list. */
  #check(value: Field, shapeName: string, name: string): void {
    const shape = this.#shape(shapeName);
    if (value === undefined) return;
    if (shape.type === 'structure') {
      const fields = isFields(value) ? value : {};
      const { members = {}, required = [] } = shape;
      for (const key of required) if (fields[key] === undefined) this.#onViolation(`${name}: no ${key}`);
      for (const [key, field] of Object.entries(fields)) {
        const member = members[key];
        if (member === undefined) this.#onViolation(`${name}: ${key}`);
        else this.#check(field, member.shape, `${name}.${key}`);
      }
    } else if (shape.type === 'list') {
      for (const item of Array.isArray(value) ? value : []) {
        this.#check(item, shape.member?.shape ?? '', name);
      }
    } else if (shape.enum !== undefined && !shape.enum.includes(textOf(value))) {
      this.#onViolation(`${name}=${textOf(value)}`);
    }
  }

  #xml(value: Field, shapeName: string, name: string): string {
    const shape = this.#shape(shapeName);
    if (shape.type === 'structure') {
      const fields = isFields(value) ? value : {};
      return Object.entries(fields)
        .filter(([, field]) => field !== undefined)
        .map(([key, field]) => {
          const member = shape.members?.[key];
          if (member === undefined) throw new Error(`the answer of ${name} has no ${key}`);
          const tag = member.locationName ?? key;
          return `<${tag}>${this.#xml(field, member.shape, name)}</${tag}>`;
        })
        .join('');
    }
    if (shape.type === 'list') {
      const tag = shape.member?.locationName ?? 'member';
      const items = Array.isArray(value) ? value : [];
      return items
        .map((item) => `<${tag}>${this.#xml(item, shape.member?.shape ?? '', name)}</${tag}>`)
        .join('');
    }
    const text = textOf(value);
    if (shape.enum !== undefined && !shape.enum.includes(text)) throw new Error(`${name} answers ${text}`);
    return escapeXml(text);
  }
}

export function isFields(value: Field): value is Fields {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}

function textOf(value: Field): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function requestName(key: string, { queryName, locationName }: Member): string {
  const name = locationName ?? key;
  return queryName ?? `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}
