import { FileSystemError } from '../../../base/errors.ts';
import { advise } from '../../../base/file-system.ts';

/**
 * Has the kernel forget what it caches of a file; bytes that are not on the disk yet stay. Nothing happens where the
 * kernel cannot be asked.
 */
export function leavePageCache(fd: number): void {
  try {
    advise(fd, 0, 0, 'dont-need');
  } catch (error) {
    if (!(error instanceof FileSystemError) || error.code !== 'unsupported') throw error;
  }
}
