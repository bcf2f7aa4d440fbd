import { statFd } from '../../base/file-system.ts';
import type { FileStatus, Latin1Name } from '../../base/file-system.ts';
import { fileNodeText, nodeAttributes, statusHead } from '../source/source-node.ts';
import type { StoredContent, StoredFile } from './protocol.ts';

/** What became of an open file, under this name: `before` is its status before the first byte was read. */
export function storedFileOf(
  fd: number,
  name: Latin1Name,
  before: FileStatus,
  stored: StoredContent,
): StoredFile {
  const after = statFd(fd);
  const head = statusHead(name, before, stored.sizeBytes);
  return {
    known: stored.known,
    sizeBytes: stored.sizeBytes,
    addedBytes: stored.addedBytes,
    changedWhileRead: !before.hasTimesOf(after) || stored.sizeBytes !== after.sizeBytes,
    node: fileNodeText(head, nodeAttributes(fd), stored.content),
  };
}
