/**
 * Asks for the names of the extended attributes of everything below a folder, and writes what the loop alone cost to
 * descriptor 3: node xattr-loop.ts FOLDER. No common program does just that; listing the paths does not count.
 */
import { readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import type { Cost } from '../support/resource-meter.ts';

const namesBytes = 1024;

function costOfLoop(folder: string): Cost {
  const llistxattr = koffi.load(null).func('llistxattr', 'long', ['void *', 'void *', 'size_t']);
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) =>
    Buffer.from(`${join(entry.parentPath, entry.name)}\0`),
  );
  const names = Buffer.alloc(namesBytes);
  const before = process.cpuUsage();
  const startMs = performance.now();
  for (const path of paths) llistxattr(path, names, namesBytes);
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(before);
  return { exitCode: 0, wallMs, userMs: user / 1000, systemMs: system / 1000, peakRssBytes: 0 };
}

writeSync(3, `${JSON.stringify(costOfLoop(process.argv[2] ?? '.'))}\n`);
