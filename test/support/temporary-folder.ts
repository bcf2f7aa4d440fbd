/** Folders that a test may fill with anything and that are gone after it. */
import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** The absolute path (ASCII, links resolved by nobody) of a new empty folder with mode 0700; removed when `t` ends. */
export function temporaryFolder(t: Pick<TestContext, 'after'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tranship-test-'));
  t.after(() => removeTree(folder));
  return folder;
}

/**
 * Removes a path and all below it: names of any bytes, folders without permissions, nesting deeper than PATH_MAX.
 * Never follows a link. Does nothing when the path is not there.
 */
export function removeTree(path: string | Uint8Array): void {
  removeEntry(Buffer.from(path));
}

function removeEntry(path: Buffer): void {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return;
  if (!status.isDirectory()) {
    unlinkSync(path);
    return;
  }
  if ((status.mode & 0o700) !== 0o700) chmodSync(path, 0o700);
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    // A listing by descriptor keeps every path short, however deep the tree is.
    const here = Buffer.from(`/proc/self/fd/${folder}/`);
    for (const name of readdirSync(here, { encoding: 'buffer' })) removeEntry(Buffer.concat([here, name]));
  } finally {
    closeSync(folder);
  }
  rmdirSync(path);
}
