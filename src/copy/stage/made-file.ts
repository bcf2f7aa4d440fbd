/** Files of a snapshot that no file of the source stands for: their metadata is made, as restic makes it. */
import type { FileStatus } from '../../base/file-system.ts';
import type { StoredContent, StoredFile } from '../pipeline/protocol.ts';

/** Of this user, readable by all. */
export function streamStatus(sizeBytes: number, timeNs: bigint): FileStatus {
  return {
    type: 'file',
    mode: 0o644,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    inode: 0n,
    deviceId: 0n,
    links: 1,
    sizeBytes,
    allocatedBytes: sizeBytes,
    atimeNs: timeNs,
    mtimeNs: timeNs,
    ctimeNs: timeNs,
    rdev: 0n,
    mountId: 0n,
  };
}

/**
 * The owner and permissions of the device node. Its times are no times of its contents: each snapshot gets its own, so
 * that nobody takes two contents for one by them.
 */
export function deviceStatus(status: FileStatus, timeNs: bigint): FileStatus {
  const { mode, uid, gid } = status;
  return { ...streamStatus(0, timeNs), mode, uid, gid };
}

/** What was stored, under a status that was made for it. */
export function storedAs(stored: StoredContent, status: FileStatus): StoredFile {
  return { ...stored, status, changedWhileRead: false, extendedAttributes: [] };
}
