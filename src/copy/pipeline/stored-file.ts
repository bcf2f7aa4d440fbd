import { statFd } from '../../base/file-system.ts';
import type { FileStatus } from '../../base/file-system.ts';
import { nodeAttributes } from '../source/source-node.ts';
import type { StoredContent, StoredFile } from './protocol.ts';

/** What became of an open file: `before` is its status before the first byte was read. */
export function storedFileOf(fd: number, before: FileStatus, stored: StoredContent): StoredFile {
  const after = statFd(fd);
  return {
    status: before,
    content: stored.content,
    sizeBytes: stored.sizeBytes,
    addedBytes: stored.addedBytes,
    changedWhileRead:
      before.mtimeNs !== after.mtimeNs ||
      before.ctimeNs !== after.ctimeNs ||
      stored.sizeBytes !== after.sizeBytes,
    extendedAttributes: nodeAttributes(fd),
  };
}
