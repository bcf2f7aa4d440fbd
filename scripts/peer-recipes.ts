// How each kind of peer gets into a folder. Nothing is installed on the machine itself.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, globSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebianTreeRecipe, GoRecipe, NpmRecipe, Peer, PythonRecipe } from './peer-catalogue.ts';

/** Runs a command with its output on our standard error; throws when it fails. */
function run(
  cwd: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): void {
  const options = { cwd, stdio: ['ignore', 2, 2] as ['ignore', 2, 2], env: { ...process.env, ...env } };
  const result = spawnSync(command, args, options);
  if (result.error !== undefined)
    throw new Error(`cannot start ${command} (${result.error.message}); install it first`);
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${result.status ?? result.signal}`);
}

/** First line of what the program prints about its version; undefined when it cannot run. */
export function reportedVersion(peer: Peer, program: string): string | undefined {
  const result = spawnSync(program, peer.versionArguments ?? [], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.split('\n', 1)[0] : undefined;
}

/** A program that cannot tell its version has the one that its recipe pins. */
export function hasVersion(peer: Peer, program: string): boolean {
  if (peer.versionArguments === undefined) return true;
  return reportedVersion(peer, program)?.split(/\s+/).includes(peer.version) ?? false;
}

/** Runs an apt command that downloads; where it fails and we may, fetches the package lists and tries once more. */
function downloadFromDebian(cwd: string, args: readonly string[]): void {
  try {
    run(cwd, 'apt-get', args);
  } catch (error) {
    if (process.getuid?.() !== 0) {
      throw new Error(`no packages from Debian (as root, \`apt-get update\` may help)`, { cause: error });
    }
    run(cwd, 'apt-get', ['update', '-q']);
    run(cwd, 'apt-get', args);
  }
}

/** Copies the machine's own program or unpacks Debian's package, without root; false where the version differs. */
function takeFromDebian(peer: Peer, packageName: string, target: string): boolean {
  const installed = `/usr/bin/${peer.binary}`;
  if (hasVersion(peer, installed)) {
    copyFileSync(installed, join(target, peer.binary));
    return true;
  }
  try {
    downloadFromDebian(target, ['download', '-q', packageName]);
    const archive = globSync(`${packageName}_*.deb`, { cwd: target })[0];
    if (archive === undefined) return false;
    run(target, 'dpkg', ['-x', archive, 'unpacked']);
    renameSync(join(target, 'unpacked', 'usr', 'bin', peer.binary), join(target, peer.binary));
    rmSync(join(target, 'unpacked'), { recursive: true });
    rmSync(join(target, archive));
  } catch (error) {
    console.error(`no ${packageName} from Debian: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
  return hasVersion(peer, join(target, peer.binary));
}

/**
 * Builds from a scratch module that requires the wanted version: `go install MODULE@VERSION` needs the proxy's list
 * of versions and refuses a go.mod with `replace`.
 */
function buildWithGo(peer: Peer, recipe: GoRecipe, target: string): void {
  const build = join(target, 'build');
  mkdirSync(build);
  const command = recipe.command === undefined ? recipe.module : `${recipe.module}/${recipe.command}`;
  writeFileSync(join(build, 'go.mod'), `module peers\n\nrequire ${recipe.module} v${peer.version}\n`);
  writeFileSync(join(build, 'tools.go'), `//go:build tools\n\npackage peers\n\nimport _ "${command}"\n`);
  const linking =
    recipe.versionVariable === undefined ? [] : ['-ldflags', `-X ${recipe.versionVariable}=${peer.version}`];
  const output = join(target, peer.binary);
  const args = ['build', '-trimpath', '-buildvcs=false', ...linking, '-o', output, command];
  run(build, 'go', args, { GOFLAGS: '-mod=mod', CGO_ENABLED: '0' });
  rmSync(build, { recursive: true });
}

function buildWithCargo(peer: Peer, crate: string, target: string): void {
  const args = ['--version', peer.version, '--locked', '--no-default-features', '--root', target];
  run(target, 'cargo', ['install', crate, ...args]);
}

/** Libraries of Ceph lie in a folder of their own, and some packages still use the `lib` beside `usr`. */
const treeProgram = `#!/bin/sh
# Runs a program of the unpacked packages: ceph-program NAME [ARGUMENT...]
root=$(cd "$(dirname "$0")" && pwd)/root
for folder in "$root"/usr/lib/*-linux-gnu/ceph "$root"/usr/lib/*-linux-gnu "$root"/lib/*-linux-gnu; do
  LD_LIBRARY_PATH=\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
done
export LD_LIBRARY_PATH
name=$1
shift
exec "$root/usr/bin/$name" "$@"
`;

/** `--reinstall`: the named packages come even where the machine has them, so that the tree is whole. */
function unpackFromDebian(peer: Peer, recipe: DebianTreeRecipe, target: string): void {
  const archives = join(target, 'archives');
  mkdirSync(join(archives, 'partial'), { recursive: true });
  const options = ['Debug::NoLocking=1', `Dir::Cache::archives=${archives}`, 'APT::Sandbox::User=root'];
  const install = ['install', '-q', '--download-only', '--yes', '--reinstall', '--no-install-recommends'];
  downloadFromDebian(target, [
    ...options.flatMap((option) => ['-o', option]),
    ...install,
    ...recipe.packages,
  ]);
  for (const archive of globSync('*.deb', { cwd: archives })) {
    run(archives, 'dpkg', ['-x', archive, join(target, 'root')]);
  }
  rmSync(archives, { recursive: true });
  writeFileSync(join(target, peer.binary), treeProgram);
  chmodSync(join(target, peer.binary), 0o755);
}

/** The executable is a script that runs the package's program with the Node of the path. */
function installFromNpm(peer: Peer, recipe: NpmRecipe, target: string): void {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  run(target, 'npm', ['install', '--prefix', target, ...quiet, `${recipe.package}@${peer.version}`]);
  const program = `$(dirname "$0")/node_modules/${recipe.package}/${recipe.program}`;
  writeFileSync(join(target, peer.binary), `#!/bin/sh\nexec node "${program}" "$@"\n`);
}

/** By its module: the programs that pip makes name the folder that they were made in. */
function installFromPython(peer: Peer, recipe: PythonRecipe, target: string): void {
  run(target, 'python3', ['-m', 'venv', join(target, 'environment')]);
  const python = join(target, 'environment', 'bin', 'python3');
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
  run(target, python, ['-m', 'pip', 'install', ...quiet, `${recipe.package}==${peer.version}`]);
  const program = `#!/bin/sh\nexec "$(dirname "$0")/environment/bin/python3" -m ${recipe.module} "$@"\n`;
  writeFileSync(join(target, peer.binary), program);
}

/** Makes the peer in `target`, an empty folder. Throws when it cannot be had. */
export function makePeer(peer: Peer, target: string): void {
  const { recipe } = peer;
  switch (recipe.kind) {
    case 'go':
      buildWithGo(peer, recipe, target);
      break;
    case 'cargo':
      buildWithCargo(peer, recipe.crate, target);
      break;
    case 'debian-program':
      if (!takeFromDebian(peer, recipe.package, target)) buildWithGo(peer, recipe.otherwise, target);
      break;
    case 'npm':
      installFromNpm(peer, recipe, target);
      break;
    case 'python':
      installFromPython(peer, recipe, target);
      break;
    case 'debian-tree':
      unpackFromDebian(peer, recipe, target);
      break;
  }
}
