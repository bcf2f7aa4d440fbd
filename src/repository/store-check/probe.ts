import { randomBytes } from 'node:crypto';
import { prefixOf } from '../format/file-kind.ts';

/** What a check puts; nothing that it puts is longer. */
export const probeBody = Buffer.from('sixteen bytes :)');

/** No file of a repository is named so: ids are 64 digits, and every program passes over other names. */
const MARK = 'tranship-check-';
const ID = /^[0-9a-f]{16}$/;

/** A key below a place that is nobody's. */
export function newProbeKey(place: string): string {
  return `${probePrefix(place)}${randomBytes(8).toString('hex')}`;
}

/** With what the keys of a place begin. */
export function probePrefix(place: string): string {
  // Packs stand in folders below `data/`.
  return `${place === prefixOf('data') ? `${place}00/` : place}${MARK}`;
}

/** Whether an object of a place is what a check puts, and no one else's whose name begins likewise. */
export function isProbe(place: string, { key, sizeBytes }: { key: string; sizeBytes: number }): boolean {
  const prefix = probePrefix(place);
  return key.startsWith(prefix) && ID.test(key.slice(prefix.length)) && sizeBytes <= probeBody.byteLength;
}
