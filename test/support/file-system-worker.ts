/** Thread of test/base/linux-calls.test.ts: looks at the folder whose descriptor it is given and posts what it saw. */
import { parentPort, workerData } from 'node:worker_threads';
import { FileSystemError } from '../../src/base/errors.ts';
import { close, openFileAt, readAt, readDirectory, statAt, statFd } from '../../src/base/file-system.ts';

const folderFd: unknown = workerData;
if (typeof folderFd !== 'number') throw new Error('the worker needs a descriptor');
const warnings: string[] = [];
process.on('warning', (warning) => warnings.push(warning.message));

function errnoOfMissing(fd: number): string | undefined {
  try {
    statAt(fd, Buffer.from('missing'));
    return undefined;
  } catch (error) {
    return error instanceof FileSystemError ? error.errno : String(error);
  }
}

const entries = readDirectory(folderFd);
const first = entries[0];
if (first === undefined) throw new Error('the folder is empty');
const file = openFileAt(folderFd, first.name);
const shared = new Uint8Array(new SharedArrayBuffer(16));
const length = readAt(file, shared, 0);
const { inode } = statFd(file);
close(file);
const errno = errnoOfMissing(folderFd);
setImmediate(() => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  parentPort?.postMessage({
    names: entries.map((entry) => entry.name.toString('hex')),
    text: Buffer.from(shared.subarray(0, length)).toString(),
    inode,
    errno,
    warnings,
  });
});
