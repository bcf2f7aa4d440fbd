import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { byteStream } from './byte-stream.ts';
import type { DataSet } from './data-set.ts';
import { installPackages } from './installed-packages.ts';
import { changeFiles, scaledCount } from './many-files.ts';

const releases = ['5.3.2', '5.3.3', '5.4.2', '5.4.3', '5.4.4', '5.4.5', '5.5.2', '5.5.3', '5.5.4', '5.6.2'];

/** One made-up package in ten releases, each a few edits away from the one before; for small scales. */
async function writeReleases(folder: string, scale: number): Promise<void> {
  const stream = byteStream('versions');
  const files = Array.from({ length: scaledCount(100, scale * 10) }, () => stream.prose(64 * 1024));
  for (const [index] of releases.entries()) {
    const release = join(folder, `release-${index}`);
    await mkdir(release);
    for (const [number, text] of files.entries()) {
      if (index > 0) stream.prose(256).copy(text, stream.below(text.byteLength - 256));
      await writeFile(join(release, `module-${number}`), text);
    }
  }
}

export const versions: DataSet = {
  name: 'versions',
  about:
    'ten consecutive releases of TypeScript side by side, for deduplication; below full size made-up ones',
  fill: async (folder, scale) => {
    if (scale < 1) {
      await writeReleases(folder, scale);
      return;
    }
    const named = releases.map((release) => [`release-${release}`, `npm:typescript@${release}`] as const);
    await installPackages(folder, Object.fromEntries(named));
    if ((await readdir(join(folder, 'node_modules'))).length < releases.length) {
      throw new Error('npm has not installed every release');
    }
  },
  change: (folder, _, changes) => changeFiles(folder, changes),
};
