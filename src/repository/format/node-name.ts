/** The order of a tree's nodes: bytewise, a prefix first. */
export function compareNames(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Why the bytes cannot name a node of a tree, or undefined when they can. A name is one path component, always. */
export function nameFault(name: Uint8Array): string | undefined {
  if (name.length === 0) return 'its name is empty';
  if (name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e))) {
    return 'its name is a relative path';
  }
  for (let index = 0; index < name.length; index++) {
    if (name[index] === 0x2f) return 'its name holds a slash';
    if (name[index] === 0) return 'its name holds a NUL';
  }
  return undefined;
}
