import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** Reads every file below a folder, so that the page cache has them for all alike. */
export function readTree(folder: string): void {
  const buffer = Buffer.alloc(2 ** 20);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = openSync(join(entry.parentPath, entry.name), 'r');
    try {
      while (readSync(file, buffer) > 0);
    } finally {
      closeSync(file);
    }
  }
}
