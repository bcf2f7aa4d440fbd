/** Tags of an entry of an ACL as the kernel stores it (linux/posix_acl_xattr.h), and their words. */
const words: Readonly<Record<number, string>> = {
  0x01: 'user',
  0x02: 'user',
  0x04: 'group',
  0x08: 'group',
  0x10: 'mask',
  0x20: 'other',
};
const namedTags: ReadonlySet<number> = new Set([0x02, 0x08]);

const version = 2;
const headerBytes = 4;
const entryBytes = 8;

/**
 * The text of an ACL in the form of the value of `system.posix_acl_access`: `user::rw-,user:33:r--,mask::r--`, as
 * acl_from_text(3) reads it. Undefined for what is no such value.
 */
export function aclText(value: Uint8Array): string | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const isWhole = value.length > headerBytes && (value.length - headerBytes) % entryBytes === 0;
  if (!isWhole || view.getUint32(0, true) !== version) return undefined;
  const entries: string[] = [];
  for (let offset = headerBytes; offset < value.length; offset += entryBytes) {
    const tag = view.getUint16(offset, true);
    const permissions = view.getUint16(offset + 2, true);
    const word = words[tag];
    if (word === undefined || permissions > 7) return undefined;
    const id = namedTags.has(tag) ? String(view.getUint32(offset + 4, true)) : '';
    const letters = Array.from('rwx', (letter, bit) => (permissions & (4 >> bit) ? letter : '-'));
    entries.push(`${word}:${id}:${letters.join('')}`);
  }
  return entries.join(',');
}
