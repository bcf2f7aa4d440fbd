import { readLinkFd, statFd } from '../../base/file-system.ts';
import { unixPermissionsOf } from '../../repository/format/file-mode.ts';
import { formatTimestamp, parseTimestamp, zeroTimestamp } from '../../repository/format/timestamp.ts';
import type { ExtendedAttribute, TreeNode } from '../../repository/format/tree-node.ts';
import { nodeAttributes } from '../source/source-node.ts';
import type { Difference } from './verify-events.ts';

/** Everything about an open inode, but its contents, that is not as the node says. The types must be equal. */
export function compareMetadata(fd: number, node: TreeNode): Omit<Difference, 'path'>[] {
  const status = statFd(fd);
  const found: Omit<Difference, 'path'>[] = [];
  const check = (kind: Difference['kind'], expected: string, actual: string): void => {
    if (expected !== actual) found.push({ kind, expected, found: actual });
  };
  check('owner', `${node.uid}:${node.gid}`, `${status.uid}:${status.gid}`);
  if (node.type !== 'symlink') check('mode', octal(unixPermissionsOf(node.mode)), octal(status.mode));
  if (node.mtime !== zeroTimestamp) {
    check('mtime', formatTimestamp(parseTimestamp(node.mtime)), formatTimestamp(status.mtimeNs));
  }
  if (node.type === 'symlink') {
    check('link-target', printable(node.linkTarget ?? Buffer.alloc(0)), printable(readLinkFd(fd)));
  }
  if (node.type === 'dev' || node.type === 'chardev')
    check('device', String(node.device ?? 0n), String(status.rdev));
  check(
    'extended-attributes',
    attributeText(node.extendedAttributes ?? []),
    attributeText(nodeAttributes(fd)),
  );
  return found;
}

function attributeText(attributes: readonly ExtendedAttribute[]): string {
  return attributes
    .map(({ name, value }) => `${JSON.stringify(name)}=${Buffer.from(value).toString('hex')}`)
    .toSorted()
    .join(' ');
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** Bytes one to one, so that different targets never look alike. */
function printable(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
