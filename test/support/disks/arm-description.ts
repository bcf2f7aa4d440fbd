/** What @azure/arm-compute says of Azure's interface, taken out of its files: paths, versions, fields. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('./', import.meta.resolve('@azure/arm-compute'));

/** One call of the interface. */
export interface ArmOperation {
  /** `disks createOrUpdate`. */
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  readonly apiVersion: string;
  /** Names of query parameters beside `api-version`. */
  readonly query: ReadonlySet<string>;
  readonly hasBody: boolean;
}

/** A path and a query that some call has, and the values in the path. */
export interface ArmMatch {
  readonly operation: ArmOperation;
  readonly values: Readonly<Record<string, string>>;
}

type Converter = (item: unknown) => unknown;

const groups = ['disks', 'snapshots', 'diskEncryptionSets', 'resourceSkus', 'usage'];

/** The calls of these parts of the interface, and what may stand in their bodies and answers. */
export class ArmDescription {
  readonly operations: readonly ArmOperation[];
  readonly #converters: Readonly<Record<string, Converter>>;
  readonly #types: string;

  private constructor(operations: readonly ArmOperation[], converters: Readonly<Record<string, Converter>>) {
    this.operations = operations;
    this.#converters = converters;
    this.#types = readText('models/computeDisk/models.d.ts') + readText('models/models.d.ts');
  }

  static async load(): Promise<ArmDescription> {
    const models = ['models/computeDisk', 'models/computeSku', 'models/compute'];
    const modules = await Promise.all(models.map((name) => importFunctions(`${name}/models.js`)));
    const found = Object.assign({}, ...modules) as Record<string, Converter>;
    return new ArmDescription(groups.flatMap(operationsOf), found);
  }

  /** The call that a request makes; undefined where no description has it. */
  match(method: string, path: string): ArmMatch | undefined {
    for (const operation of this.operations) {
      const values = operation.method === method ? operation.path.exec(path)?.groups : undefined;
      if (values !== undefined) return { operation, values };
    }
    return undefined;
  }

  /** What is wrong with a body that is sent: fields that are unknown or only Azure's, of another type, or missing. */
  bodyFaults(model: 'disk' | 'snapshot', body: unknown): string[] {
    const shape = this.#converter(`${model}Serializer`)(anything);
    const properties = model === 'disk' ? 'DiskProperties' : 'SnapshotProperties';
    return [
      ...unknownFields(body, shape, model),
      ...this.#typeFaults('TrackedResource', body, model),
      ...this.#typeFaults(properties, fieldOf(body, 'properties'), `${model}.properties`),
      ...this.#typeFaults(
        'CreationData',
        fieldOf(fieldOf(body, 'properties'), 'creationData'),
        `${model}.properties.creationData`,
      ),
    ];
  }

  /** Fields of an answer that the SDK does not read: the double must not make them up. */
  answerFaults(deserializer: string, answer: unknown): string[] {
    const unread = new Set<string>();
    this.#converter(deserializer)(watched(answer, deserializer, unread));
    return [...unread];
  }

  #converter(name: string): Converter {
    const converter = this.#converters[name];
    assert.ok(converter, `@azure/arm-compute has no ${name}`);
    return converter;
  }

  #typeFaults(name: string, value: unknown, where: string): string[] {
    const [, block] =
      new RegExp(`export interface ${name} (?:extends \\w+ )?\\{\\n([\\s\\S]*?)\\n\\}`).exec(this.#types) ??
      [];
    assert.ok(block !== undefined, `@azure/arm-compute has no interface ${name}`);
    const fields = [...block.matchAll(/^ {4}(readonly )?(\w+)(\??): ([^;]+);/gm)];
    return fields.flatMap(([, , field = '', optional, type = '']) => {
      const found = fieldOf(value, field);
      if (found === undefined) return optional === '' ? [`${where}.${field} is missing`] : [];
      const isPrimitive = ['string', 'number', 'boolean'].includes(type);
      return isPrimitive && typeof found !== type ? [`${where}.${field} is no ${type}`] : [];
    });
  }
}

function operationsOf(group: string): ArmOperation[] {
  const text = readText(`api/${group}/operations.js`);
  return text
    .split(/^export function _\$?/m)
    .slice(1)
    .flatMap((part) => {
      const [, name] = /^(\w+)Send\(/.exec(part) ?? [];
      const [, template] = /expandUrlTemplate\("([^"]+)"/.exec(part) ?? [];
      const [, version] = /"api%2Dversion": "([^"]+)"/.exec(part) ?? [];
      const [, method] = /\.path\(path\)\s*\.(get|put|post|patch|delete)\(/.exec(part) ?? [];
      if (name === undefined || template === undefined || version === undefined || method === undefined)
        return [];
      const [path = '', query = ''] = template.split('{?');
      return {
        name: `${group} ${name}`,
        method: method.toUpperCase(),
        path: pathPattern(path),
        apiVersion: version,
        query: new Set(
          decodeURIComponent(query.replace('}', ''))
            .split(',')
            .filter((parameter) => parameter !== 'api-version'),
        ),
        hasBody: /body: \w+Serializer\(/.test(part.slice(0, part.indexOf('Deserialize('))),
      };
    });
}

function pathPattern(template: string): RegExp {
  const pattern = template.replaceAll('.', String.raw`\.`).replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return new RegExp(`^${pattern}$`, 'i');
}

function readText(path: string): string {
  return readFileSync(fileURLToPath(new URL(path, root)), 'utf8');
}

async function importFunctions(path: string): Promise<Record<string, Converter>> {
  const module: unknown = await import(new URL(path, root).href);
  assert.ok(typeof module === 'object' && module !== null);
  return Object.fromEntries(
    Object.entries(module).flatMap(([name, value]: [string, unknown]) =>
      typeof value === 'function'
        ? [[name, (item: unknown): unknown => Reflect.apply(value, undefined, [item])]]
        : [],
    ),
  );
}

/** Has every field; what a serializer makes of it is the shape of what may be sent. */
const anything: unknown = new Proxy(
  {},
  {
    get: (_, name) => (name === 'map' ? (convert: Converter) => [convert(anything)] : anything),
    ownKeys: () => [],
  },
);

function unknownFields(value: unknown, shape: unknown, where: string): string[] {
  if (shape === anything || typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) {
    const [item]: unknown[] = Array.isArray(shape) ? shape : [];
    return value.flatMap((element: unknown) => unknownFields(element, item, `${where}[]`));
  }
  if (typeof shape !== 'object' || shape === null) return [`${where} is no object`];
  return Object.entries(value).flatMap(([name, field]: [string, unknown]) =>
    Object.hasOwn(shape, name)
      ? unknownFields(field, fieldOf(shape, name), `${where}.${name}`)
      : [`${where}.${name}`],
  );
}

/** The value, whose fields leave the set when they are read. */
function watched(value: unknown, where: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const path = (name: string): string => (Array.isArray(value) ? `${where}[]` : `${where}.${name}`);
  for (const name of Object.keys(value)) if (!Array.isArray(value)) unread.add(path(name));
  const children = new Map(
    Object.entries(value).map(([name, child]: [string, unknown]) => [
      name,
      watched(child, path(name), unread),
    ]),
  );
  return new Proxy(value, {
    get: (target, name, receiver) => {
      const key = String(name);
      if (!children.has(key)) return Reflect.get(target, name, receiver) as unknown;
      unread.delete(path(key));
      return children.get(key);
    },
  });
}

/** A field of a value that may have any form. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Reflect.get(value, name) as unknown;
}
