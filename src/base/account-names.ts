import { readFileSync } from 'node:fs';

let users: ReadonlyMap<number, string> | undefined;
let groups: ReadonlyMap<number, string> | undefined;

/**
 * Names by number from a file of passwd(5) or group(5): `name:password:number:...`; the first line of a number
 * counts.
 */
export function parseAccountNames(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , number] = line.split(':');
    if (name === undefined || name === '' || number === undefined || !/^\d+$/.test(number)) continue;
    const id = Number(number);
    if (!names.has(id)) names.set(id, name);
  }
  return names;
}

function readAccountNames(path: string): Map<number, string> {
  try {
    return parseAccountNames(readFileSync(path, 'utf8'));
  } catch {
    // A container image without accounts is ordinary: numbers then stand without names.
    return new Map();
  }
}

/** Name of a user in /etc/passwd, which is read once; undefined when it has none. */
export function userName(uid: number): string | undefined {
  users ??= readAccountNames('/etc/passwd');
  return users.get(uid);
}

/** Name of a group in /etc/group, which is read once; undefined when it has none. */
export function groupName(gid: number): string | undefined {
  groups ??= readAccountNames('/etc/group');
  return groups.get(gid);
}
