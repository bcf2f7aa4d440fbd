import { FileSystemError } from '../../../base/errors.ts';

/**
 * Has the kernel forget what it caches of a file; bytes that are not on the disk yet stay. Nothing happens where the
 * kernel cannot be asked.
 */
export async function leavePageCache(fd: number): Promise<void> {
  // Loaded here: it takes longer than all else that a command needs which writes no packs.
  const { advise } = await import('../../../base/file-system.ts');
  try {
    advise(fd, 0, 0, 'dont-need');
  } catch (error) {
    if (!(error instanceof FileSystemError) || error.code !== 'unsupported') throw error;
  }
}
