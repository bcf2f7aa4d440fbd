// npm run peers [-- --list] [NAME...]: puts the peers of the tests into a cache folder outside the tree.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { peerBinary, peerInstalled, peers, peersFolder } from './peer-catalogue.ts';
import type { Peer, PeerRecipe } from './peer-catalogue.ts';

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

/** First line of `PROGRAM version` or `PROGRAM --version`; undefined when it cannot run. */
function reportedVersion(program: string): string | undefined {
  const subcommand = program.endsWith('rustic') ? '--version' : 'version';
  const result = spawnSync(program, [subcommand], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.split('\n', 1)[0] : undefined;
}

function hasVersion(program: string, version: string): boolean {
  return reportedVersion(program)?.split(/\s+/).includes(version) ?? false;
}

/** Copies the machine's own restic or unpacks Debian's package, without root; false where the version differs. */
function takeFromDebian(peer: Peer, target: string): boolean {
  const installed = '/usr/bin/restic';
  if (hasVersion(installed, peer.version)) {
    copyFileSync(installed, join(target, peer.binary));
    return true;
  }
  try {
    if (process.getuid?.() === 0 && globSync('/var/lib/apt/lists/*_Packages*').length === 0) {
      run(target, 'apt-get', ['update', '-q']);
    }
    run(target, 'apt-get', ['download', '-q', 'restic']);
    const archive = globSync('restic_*.deb', { cwd: target })[0];
    if (archive === undefined) return false;
    run(target, 'dpkg', ['-x', archive, 'unpacked']);
    renameSync(join(target, 'unpacked', 'usr', 'bin', 'restic'), join(target, peer.binary));
    rmSync(join(target, 'unpacked'), { recursive: true });
    rmSync(join(target, archive));
  } catch (error) {
    console.error(`no restic from Debian: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
  return hasVersion(join(target, peer.binary), peer.version);
}

/**
 * Builds from a scratch module that requires the wanted version: `go install MODULE@VERSION` needs the proxy's list
 * of versions and refuses a go.mod with `replace`.
 */
function buildWithGo(peer: Peer, target: string): void {
  const module = 'github.com/restic/restic';
  const build = join(target, 'build');
  mkdirSync(build);
  writeFileSync(join(build, 'go.mod'), `module peers\n\nrequire ${module} v${peer.version}\n`);
  writeFileSync(
    join(build, 'tools.go'),
    `//go:build tools\n\npackage peers\n\nimport _ "${module}/cmd/restic"\n`,
  );
  const output = join(target, peer.binary);
  const args = ['build', '-trimpath', '-buildvcs=false', '-o', output, `${module}/cmd/restic`];
  run(build, 'go', args, { GOFLAGS: '-mod=mod', CGO_ENABLED: '0' });
  rmSync(build, { recursive: true });
}

function buildWithCargo(peer: Peer, target: string): void {
  const args = ['--version', peer.version, '--locked', '--no-default-features', '--root', target];
  run(target, 'cargo', ['install', 'rustic-rs', ...args]);
}

const recipes: Readonly<Record<PeerRecipe, (peer: Peer, target: string) => void>> = {
  debian: (peer, target) => {
    if (!takeFromDebian(peer, target)) buildWithGo(peer, target);
  },
  go: buildWithGo,
  cargo: buildWithCargo,
};

/** Builds beside the final place and renames, so that a folder in the cache is always a finished one. */
function install(peer: Peer): void {
  const cache = peersFolder();
  mkdirSync(cache, { recursive: true });
  const target = mkdtempSync(join(cache, `.${peer.folder}-`));
  try {
    recipes[peer.recipe](peer, target);
    const built = join(target, peer.binary);
    chmodSync(built, 0o755);
    if (!hasVersion(built, peer.version)) {
      throw new Error(
        `wanted version ${peer.version}, got: ${reportedVersion(built) ?? 'a program that does not run'}`,
      );
    }
    chmodSync(target, 0o755);
    const final = join(cache, peer.folder);
    rmSync(final, { recursive: true, force: true });
    renameSync(target, final);
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

function list(): void {
  for (const peer of peers) {
    const state = peerInstalled(peer) ? 'ready' : 'absent';
    console.log([peer.name.padEnd(14), peer.version.padEnd(7), state.padEnd(6), peerBinary(peer)].join(' '));
  }
}

function installAll(chosen: readonly Peer[]): void {
  for (const peer of chosen.filter((candidate) => !peerInstalled(candidate))) {
    const start = performance.now();
    console.error(`${peer.name} ${peer.version}: installing`);
    try {
      install(peer);
      console.error(
        `${peer.name} ${peer.version}: ready after ${Math.round((performance.now() - start) / 1000)} s`,
      );
    } catch (error) {
      process.exitCode = 1;
      console.error(
        `${peer.name} ${peer.version}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  list();
}

const args = process.argv.slice(2);
const names = args.filter((arg) => arg !== '--list');
const unknown = names.filter((name) => !peers.some((peer) => peer.name === name));
if (unknown.length > 0) {
  console.error(`no such peer: ${unknown.join(', ')} (known: ${peers.map((peer) => peer.name).join(', ')})`);
  process.exitCode = 2;
} else if (args.includes('--list')) {
  list();
} else {
  installAll(names.length === 0 ? peers : peers.filter((peer) => names.includes(peer.name)));
}
