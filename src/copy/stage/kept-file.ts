import type { Latin1Name } from '../../base/file-system.ts';
import { extendedAttributesText } from '../../repository/format/tree-node-text.ts';
import { nodeAttributesAt } from '../source/source-node.ts';
import type { PreviousTree } from './previous-tree.ts';
import type { ReliedBlobs } from './relied-blobs.ts';

/**
 * Whether the parent's node that was found, which begins with `head`, is what the file would be stored as; then its
 * blobs are noted. False when a blob of it is gone too. Throws FileSystemError when its attributes cannot be read.
 */
export function isKept(
  { fd, base }: { readonly fd: number; readonly base: Latin1Name },
  head: string,
  previous: PreviousTree,
  relied: ReliedBlobs,
): boolean {
  const attributes = nodeAttributesAt(fd, base);
  const start = attributes.length === 0 ? head : head + extendedAttributesText(attributes);
  const content = previous.contentBehind(start);
  return content !== undefined && relied.addContent(content);
}
