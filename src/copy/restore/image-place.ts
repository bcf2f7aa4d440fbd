import { FileSystemError, UsageError } from '../../base/errors.ts';
import { close, contentBytes, openDeviceForUpdateAt, printableName } from '../../base/file-system.ts';
import type { FileStatus } from '../../base/file-system.ts';
import type { Overwrite } from '../restore.ts';

/**
 * Refuses whatever an image must not replace: all but a file, a device that it is written to, and nothing. Throws
 * FileSystemError `unsupported`, and UsageError for a mode that has no meaning for what is there.
 */
export function checkImagePlace(where: string, status: FileStatus | undefined, overwrite: Overwrite): void {
  switch (status?.type) {
    case undefined:
    case 'file':
      return;
    case 'block-device':
      if (overwrite !== 'never' && overwrite !== 'if-newer') return;
      throw new UsageError('the time of a device node says nothing of its contents', {
        where: `--overwrite ${overwrite}`,
        advice: 'restore onto a device with --overwrite always',
      });
    case 'directory':
      throw new FileSystemError('unsupported', 'a folder is no place for an image', {
        where,
        advice: 'name a file in it',
      });
    case 'symlink':
      throw new FileSystemError('unsupported', 'the link leads nowhere', {
        where,
        advice: 'remove it, or name the file or device itself',
      });
    default:
      throw new FileSystemError('unsupported', 'neither a file nor a block device: no place for an image', {
        where,
        advice: 'name a file or a block device',
      });
  }
}

/** Opens the device as the restore will, so that one in use (errno `EBUSY`), or too small, is refused before all. */
export function checkDevice(directoryFd: number, name: Uint8Array, neededBytes: number): void {
  const fd = openDeviceForUpdateAt(directoryFd, name);
  try {
    const sizeBytes = contentBytes(fd);
    if (sizeBytes >= neededBytes) return;
    throw new FileSystemError('no-space', `the device has ${sizeBytes} bytes, the image ${neededBytes}`, {
      where: printableName(name),
    });
  } finally {
    close(fd);
  }
}
