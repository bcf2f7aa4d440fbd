/**
 * Compute Engine's interface as Google describes it: the descriptors that its library brings along, by which requests
 * and answers are checked.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

interface ProtoField {
  readonly type: string;
  readonly rule?: 'repeated';
  readonly keyType?: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

interface ProtoMethod {
  readonly requestType: string;
  readonly responseType: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** A message, an enumeration, a service or a namespace, by which of these are there. */
interface ProtoNode {
  readonly fields?: Readonly<Record<string, ProtoField>>;
  readonly values?: Readonly<Record<string, number>>;
  readonly methods?: Readonly<Record<string, ProtoMethod>>;
  readonly nested?: Readonly<Record<string, ProtoNode>>;
}

interface Route {
  /** `Snapshots.Insert`. */
  readonly name: string;
  readonly verb: string;
  readonly pattern: RegExp;
  readonly parameters: readonly string[];
  readonly body: string | undefined;
  readonly method: ProtoMethod;
}

/** What a request is, by its verb and path. */
export interface MatchedCall {
  readonly name: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly route: Route;
}

const VERBS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const INTEGER = /^-?\d+$/;

const descriptors = createRequire(import.meta.url).resolve('@google-cloud/compute/build/protos/protos.json');
const root: ProtoNode = JSON.parse(readFileSync(descriptors, 'utf8'));
const compute = ['google', 'cloud', 'compute', 'v1'].reduce<ProtoNode>(
  (node, name) => child(node, name),
  root,
);
const routes: readonly Route[] = Object.entries(compute.nested ?? {}).flatMap(([service, { methods = {} }]) =>
  Object.entries(methods).flatMap(([name, method]) => routesOf(`${service}.${name}`, method)),
);

export function matchCall(verb: string, path: string): MatchedCall | undefined {
  for (const route of routes) {
    const found = route.verb === verb ? route.pattern.exec(path) : null;
    if (found === null) continue;
    const values = found.slice(1).map(decodeURIComponent);
    const parameters = Object.fromEntries(route.parameters.map((name, index) => [name, values[index] ?? '']));
    return { name: route.name, parameters, route };
  }
  return undefined;
}

/** What the description does not have of a request, one a line; nothing of one that is right. */
export function requestFaults(
  { name, parameters, route }: MatchedCall,
  query: URLSearchParams,
  body: unknown,
): string[] {
  const { fields = {} } = child(compute, route.method.requestType);
  const faults: string[] = [];
  for (const [key, value] of query) {
    const field = fields[key];
    if (field === undefined || key in parameters || key === route.body)
      faults.push(`${name}: no parameter ${key}`);
    else faults.push(...queryFaults(field, value, `${name} ?${key}`));
    if (field?.rule !== 'repeated' && query.getAll(key).length > 1) faults.push(`${name}: ${key} twice`);
  }
  const bodyField = route.body === undefined ? undefined : fields[route.body];
  if (bodyField !== undefined) {
    faults.push(
      ...valueFaults(bodyField.type, body, child(compute, route.method.requestType), `${name} body`),
    );
  } else if (body !== undefined) faults.push(`${name}: a body`);
  for (const [key, { options }] of Object.entries(fields)) {
    const isThere = key in parameters || query.has(key) || (key === route.body && body !== undefined);
    if (options?.['(google.api.field_behavior)'] === 'REQUIRED' && !isThere)
      faults.push(`${name}: without ${key}`);
  }
  return faults;
}

/** The same of an answer: a double must not tell what the cloud cannot. */
export function answerFaults({ name, route }: MatchedCall, answer: unknown): string[] {
  return valueFaults(route.method.responseType, answer, compute, `${name} answer`);
}

function routesOf(name: string, { options = {}, ...method }: ProtoMethod): Route[] {
  return VERBS.flatMap((verb) => {
    const template = options[`(google.api.http).${verb}`];
    if (typeof template !== 'string') return [];
    const parameters = [...template.matchAll(/\{([^}]+)\}/g)].map(([, parameter = '']) =>
      camelCase(parameter),
    );
    const body = options['(google.api.http).body'];
    return [
      {
        name,
        verb: verb.toUpperCase(),
        pattern: new RegExp(`^${template.replace(/\{[^}]+\}/g, '([^/]+)')}$`),
        parameters,
        body: typeof body === 'string' ? camelCase(body) : undefined,
        method,
      },
    ];
  });
}

function queryFaults({ type }: ProtoField, value: string, where: string): string[] {
  const isRight =
    type === 'string' ||
    (type === 'bool' ? /^(true|false)$/.test(value) : INTEGER.test(value) && /^u?int(32|64)$/.test(type));
  return isRight ? [] : [`${where}: ${value} is no ${type}`];
}

function fieldFaults(field: ProtoField, value: unknown, scope: ProtoNode, where: string): string[] {
  if (field.rule === 'repeated') {
    if (!Array.isArray(value)) return [`${where}: no list`];
    return value.flatMap((item: unknown, index) =>
      valueFaults(field.type, item, scope, `${where}[${index}]`),
    );
  }
  if (field.keyType !== undefined) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${where}: no map`];
    return Object.entries(value).flatMap(([key, item]: [string, unknown]) =>
      valueFaults(field.type, item, scope, `${where}.${key}`),
    );
  }
  return valueFaults(field.type, value, scope, where);
}

function valueFaults(type: string, value: unknown, scope: ProtoNode, where: string): string[] {
  const isRight = scalarCheck(type);
  if (isRight !== undefined)
    return isRight(value) ? [] : [`${where}: ${JSON.stringify(value)} is no ${type}`];
  const node = scope.nested?.[type] ?? compute.nested?.[type];
  if (node?.values !== undefined) {
    return typeof value === 'string' && value in node.values ? [] : [`${where}: ${JSON.stringify(value)}`];
  }
  const fields = node?.fields;
  if (node === undefined || fields === undefined) return [`${where}: ${type} is described nowhere`];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${where}: no ${type}`];
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) => {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    return field === undefined
      ? [`${where}: ${type} has no ${key}`]
      : fieldFaults(field, item, node, `${where}.${key}`);
  });
}

/** Numbers of 64 bits are text in JSON. */
function scalarCheck(type: string): ((value: unknown) => boolean) | undefined {
  switch (type) {
    case 'string':
    case 'bytes':
      return (value) => typeof value === 'string';
    case 'bool':
      return (value) => typeof value === 'boolean';
    case 'int32':
    case 'uint32':
      return Number.isInteger;
    case 'int64':
    case 'uint64':
      return (value) => typeof value === 'string' && INTEGER.test(value);
    case 'double':
    case 'float':
      return (value) => typeof value === 'number';
    default:
      return undefined;
  }
}

function child(node: ProtoNode, name: string): ProtoNode {
  const found = node.nested?.[name];
  if (found === undefined) throw new Error(`the library's descriptors have no ${name}`);
  return found;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
