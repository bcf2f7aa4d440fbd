/** Files of a snapshot that no file of the source stands for: their metadata is made, as restic makes it. */
import type { FileStatus, Latin1Name } from '../../base/file-system.ts';
import { goModeOf } from '../../repository/format/file-mode.ts';
import { formatTimestamp } from '../../repository/format/timestamp.ts';
import { nodeHeadText } from '../../repository/format/tree-node-text.ts';
import { groupName, userName } from '../../base/file-system.ts';
import type { StoredContent, StoredFile } from '../pipeline/protocol.ts';
import { fileNodeText, nameText } from '../source/source-node.ts';

/** Whose the made file is, and who may read it. */
type Ownership = Pick<FileStatus, 'mode' | 'uid' | 'gid'>;

/** Of this user, readable by all. */
export function streamOwnership(): Ownership {
  return { mode: 0o644, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}

/**
 * What was stored of a stream or a device, as a file. A device's own times are no times of its contents: each snapshot
 * gets its own, so that nobody takes two contents for one by them.
 */
export function madeFile(
  name: Latin1Name,
  { mode, uid, gid }: Ownership,
  timeNs: bigint,
  stored: StoredContent,
): StoredFile {
  const time = formatTimestamp(timeNs);
  const head = nodeHeadText({
    name: nameText(name),
    type: 'file',
    mode: goModeOf('file', mode),
    mtime: time,
    atime: time,
    ctime: time,
    uid,
    gid,
    user: userName(uid),
    group: groupName(gid),
    inode: '0',
    deviceId: '0',
    size: stored.sizeBytes,
    links: 1,
  });
  const { content, ...rest } = stored;
  return { ...rest, changedWhileRead: false, node: fileNodeText(head, [], content) };
}
