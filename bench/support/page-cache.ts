import { closeSync, openSync, readdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { advise } from '../../src/base/file-system.ts';

/** Has the kernel forget what it caches of all files below a folder. What is not on the disk yet is written first. */
export function leavePageCache(folder: string): void {
  spawnSync('sync');
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const fd = openSync(join(entry.parentPath, entry.name), 'r');
    advise(fd, 0, 0, 'dont-need');
    closeSync(fd);
  }
}
