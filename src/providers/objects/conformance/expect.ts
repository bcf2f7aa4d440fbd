import assert from 'node:assert/strict';
import { TranshipError, describeError } from '../../../base/errors.ts';
import type { ErrorCode } from '../../../base/errors.ts';
import type { AbortableOptions, ObjectDriver, ObjectInfo } from '../driver.ts';
import { collect } from '../object-body.ts';
import type { ObjectStore } from '../store.ts';

/** A prime, so that no part or piece boundary falls onto the same place of the pattern twice. */
const PATTERN_BYTES = 65_521;

/** Bytes by which mixtures, shifts and swapped parts show; equal for equal seeds. */
export function sampleBytes(sizeBytes: number, seed = 1): Buffer {
  const pattern = Buffer.allocUnsafe(Math.min(sizeBytes, PATTERN_BYTES));
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  for (let index = 0; index < pattern.byteLength; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    pattern[index] = state >>> 24;
  }
  return sizeBytes <= PATTERN_BYTES ? pattern : Buffer.alloc(sizeBytes, pattern);
}

/** Rejects unless the work rejects with an error of tranship with that code. */
export async function expectCode(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  const [result] = await Promise.allSettled([work]);
  assert.equal(result.status, 'rejected', `expected an error with code ${code}, but it succeeded`);
  const error: unknown = result.reason;
  assert.ok(
    error instanceof TranshipError,
    `expected an error with code ${code}, got ${describeError(error)}`,
  );
  assert.equal(error.code, code, `expected code ${code}: ${describeError(error)}`);
}

/** Rejects unless the object has exactly the bytes; says where they differ rather than printing them. */
export async function expectBytes(store: ObjectStore, key: string, wanted: Uint8Array): Promise<void> {
  assertSameBytes(await store.get(key), wanted, key);
}

export function assertSameBytes(actual: Uint8Array, wanted: Uint8Array, where: string): void {
  assert.equal(actual.byteLength, wanted.byteLength, `${where}: wrong number of bytes`);
  if (Buffer.compare(actual, wanted) === 0) return;
  const position = actual.findIndex((byte, index) => byte !== wanted[index]);
  assert.fail(`${where}: bytes differ from offset ${position}`);
}

export async function listKeys(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const info of store.list(prefix)) keys.push(info.key);
  return keys;
}

export async function listInfos(store: ObjectStore, options: AbortableOptions = {}): Promise<ObjectInfo[]> {
  const infos: ObjectInfo[] = [];
  for await (const info of store.list('', options)) infos.push(info);
  return infos;
}

/** A range as the driver itself answers it, without the store's check that it came whole. */
export async function readRange(
  driver: ObjectDriver,
  key: string,
  start: number,
  end: number,
): Promise<Buffer> {
  return collect(driver.get(key, { range: { start, end } }));
}
