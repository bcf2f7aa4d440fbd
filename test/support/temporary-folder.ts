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
  const root = Buffer.from(path);
  if (lstatSync(root, { throwIfNoEntry: false }) === undefined) return;
  if (!lstatSync(root).isDirectory()) {
    unlinkSync(root);
    return;
  }
  // A list instead of recursion, for trees deeper than the stack.
  const levels = [openLevel(root)];
  try {
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const name = level.names.pop();
      const child = Buffer.concat([level.here, name ?? Buffer.alloc(0)]);
      if (name === undefined) {
        levels.pop();
        closeSync(level.fd);
        rmdirSync(level.path);
      } else if (lstatSync(child).isDirectory()) {
        levels.push(openLevel(child));
      } else {
        unlinkSync(child);
      }
    }
  } finally {
    for (const { fd } of levels) closeSync(fd);
  }
}

interface Level {
  readonly path: Buffer;
  readonly fd: number;
  /** A path by descriptor keeps every path short, however deep the tree is. */
  readonly here: Buffer;
  readonly names: Buffer[];
}

function openLevel(path: Buffer): Level {
  if ((lstatSync(path).mode & 0o700) !== 0o700) chmodSync(path, 0o700);
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const here = Buffer.from(`/proc/self/fd/${fd}/`);
  return { path, fd, here, names: readdirSync(here, { encoding: 'buffer' }) };
}
