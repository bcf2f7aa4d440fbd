import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(dirname(import.meta.dirname));

const parts = ['src', 'scripts', 'bin', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];

/**
 * Builds this clone, or a commit of it, as it would be packed, in an empty folder, and returns its launcher. In a clone
 * the launcher runs the TypeScript sources, which costs every process and thread the time to strip the types.
 */
export function buildPackage(folder: string, ref?: string): string {
  if (ref === undefined) {
    for (const name of parts) cpSync(join(root, name), join(folder, name), { recursive: true });
  } else {
    const archive = join(folder, 'commit.tar');
    execFileSync('git', ['archive', '--output', archive, ref, ...parts], { cwd: root });
    execFileSync('tar', ['-xf', archive], { cwd: folder });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const build = spawnSync(process.execPath, [join(folder, 'scripts', 'build.ts')], { encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`the build failed:\n${build.stdout}${build.stderr}`);
  rmSync(join(folder, 'src'), { recursive: true });
  return join(folder, 'bin', 'tranship');
}
