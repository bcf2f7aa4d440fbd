import { spawnSync } from 'node:child_process';
import { cp, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { scaledCount } from './many-files.ts';

/** This clone's own packages: a real tree that is there already. */
const ownPackages = join(dirname(dirname(import.meta.dirname)), 'node_modules');

/** Installs packages of exact versions with npm, no script of theirs run; what they need comes as new as it may be. */
export async function installPackages(
  folder: string,
  dependencies: Readonly<Record<string, string>>,
): Promise<void> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--legacy-peer-deps', '--omit=optional'];
  const { status, stderr } = spawnSync('npm', ['install', ...options], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm cannot install the packages of this data set:\n${stderr}`);
}

/** Copies a share of this clone's own packages, for small scales and where there is no network. */
export async function copyPackages(folder: string, share: number): Promise<void> {
  const names = (await readdir(ownPackages)).filter((name) => !name.startsWith('.')).sort();
  for (const name of names.slice(0, scaledCount(names.length, share))) {
    await cp(join(ownPackages, name), join(folder, name), { recursive: true, verbatimSymlinks: true });
  }
}
