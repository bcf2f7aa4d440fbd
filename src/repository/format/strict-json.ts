import { bufferView } from './buffer-view.ts';
import { RepositoryError } from '../../base/errors.ts';
import { maximumJsonDepth } from './go-json.ts';

/** A parsed JSON object of unknown shape. Only own keys may be read. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function corrupt(what: string, where: string, cause?: unknown): RepositoryError {
  return new RepositoryError('corrupt', what, cause === undefined ? { where } : { where, cause });
}

/** Parses UTF-8 JSON. Throws RepositoryError `corrupt`, or `unsupported` when the text exceeds V8's longest string. */
export function parseJson(bytes: Uint8Array, what: string, where: string): unknown {
  const text = utf8Text(bytes, what, where);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw corrupt(`${what} is not valid JSON`, where, error);
  }
}

/** The text of a JSON string, given without its quotes. Throws RepositoryError `corrupt`. */
export function parseStringText(escaped: string, where: string): string {
  try {
    return String(JSON.parse(`"${escaped}"`));
  } catch (error) {
    throw corrupt('a string is not valid JSON', where, error);
  }
}

function utf8Text(bytes: Uint8Array, what: string, where: string): string {
  try {
    return bufferView(bytes).toString('utf8');
  } catch (error) {
    throw new RepositoryError('unsupported', `${what} is too large to read`, { where, cause: error });
  }
}

export function asObject(value: unknown, what: string, where: string): JsonObject {
  if (!isObject(value)) throw corrupt(`${what} is not a JSON object`, where);
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An array, or an empty one when the value is absent or null, as Go reads it. */
export function arrayOrEmpty(value: unknown, what: string, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw corrupt(`${what} is not an array`, where);
  return value;
}

export function requiredString(value: unknown, what: string, where: string): string {
  if (typeof value !== 'string') throw corrupt(`${what} is not a string`, where);
  return value;
}

/** Absent, null and empty text all mean undefined, since the format leaves empty text out. */
export function optionalString(value: unknown, what: string, where: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return requiredString(value, what, where);
}

export function stringList(value: unknown, what: string, where: string): readonly string[] {
  return arrayOrEmpty(value, what, where).map((item) => requiredString(item, what, where));
}

/** An integer in [0, maximum]; absent and null mean 0, as Go reads them. */
export function unsigned(value: unknown, maximum: number, what: string, where: string): number {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > maximum) {
    throw corrupt(`${what} is not an integer from 0 to ${maximum}`, where);
  }
  // -0 is an integer that is not below 0; callers write numbers back.
  return value + 0;
}

export const maximumUint32 = 0xffff_ffff;

/** 1 for the character codes of lower-case hex digits. */
const hexDigits = new Uint8Array(128).fill(1, 0x30, 0x3a).fill(1, 0x61, 0x67);

/** Whether the value is a SHA-256 in lower-case hex, the form of every id. */
export function isId(value: unknown): value is string {
  if (typeof value !== 'string' || value.length !== 64) return false;
  for (let index = 0; index < 64; index++) {
    if (hexDigits[value.charCodeAt(index)] !== 1) return false;
  }
  return true;
}

export function requiredId(value: unknown, what: string, where: string): string {
  if (!isId(value)) throw corrupt(`${what} is not a 64-digit hex id`, where);
  return value;
}

export function optionalId(value: unknown, what: string, where: string): string | undefined {
  return value === undefined || value === null ? undefined : requiredId(value, what, where);
}

/** Standard base64 with padding, in its one canonical form. Absent and null mean empty, as Go reads them. */
export function base64Bytes(value: unknown, what: string, where: string): Buffer {
  if (value === undefined || value === null) return Buffer.alloc(0);
  const text = requiredString(value, what, where);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw corrupt(`${what} is not base64`, where);
  return bytes;
}

/**
 * The members of an object that are not in `known`, for a rewrite to hand on. The copy has no prototype, so that a key
 * named `__proto__` is a key like any other. Throws RepositoryError `corrupt` when a value is nested too deep.
 */
export function unknownMembers(object: JsonObject, known: ReadonlySet<string>, where: string): JsonObject {
  const rest = nullObject();
  for (const key of Object.keys(object)) {
    if (known.has(key)) continue;
    const value = object[key];
    assertDepth(value, where);
    rest[key] = value;
  }
  return rest;
}

export function nullObject(): Record<string, unknown> {
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- an object without members is a record of anything
  const object: Record<string, unknown> = Object.create(null);
  return object;
}

/** Refuses a value that {@link maximumJsonDepth} does not allow. */
export function assertDepth(value: unknown, where: string): void {
  let level: unknown[] = [value];
  // Level by level without recursion: the depth of hostile JSON is bounded by its length alone.
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maximumJsonDepth) throw corrupt('JSON is nested too deep', where);
    level = level.flatMap((item) => membersOf(item));
  }
}

function membersOf(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}
