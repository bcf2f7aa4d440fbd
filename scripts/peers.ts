// npm run peers [-- [--list] [--bench] [NAME...]]: puts the peers of the tests, and with --bench those of the
// benches too, into a cache folder outside the tree. A peer whose toolchain is missing is named and left out.
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { benchPeers, peerBinary, peerInstalled, peers, peersFolder } from './peer-catalogue.ts';
import type { Peer } from './peer-catalogue.ts';
import { hasVersion, makePeer, reportedVersion } from './peer-recipes.ts';

/** Builds beside the final place and renames, so that a folder in the cache is always a finished one. */
function install(peer: Peer): void {
  const cache = peersFolder();
  mkdirSync(cache, { recursive: true });
  const target = mkdtempSync(join(cache, `.${peer.folder}-`));
  try {
    makePeer(peer, target);
    const built = join(target, peer.binary);
    chmodSync(built, 0o755);
    if (!hasVersion(peer, built)) {
      throw new Error(
        `wanted version ${peer.version}, got: ${reportedVersion(peer, built) ?? 'a program that does not run'}`,
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

function list(shown: readonly Peer[]): void {
  for (const peer of shown) {
    const state = peerInstalled(peer) ? 'ready' : 'absent';
    console.log([peer.name.padEnd(16), peer.version.padEnd(7), state.padEnd(6), peerBinary(peer)].join(' '));
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
}

const args = process.argv.slice(2);
const names = args.filter((arg) => !['--list', '--bench'].includes(arg));
const all: readonly Peer[] = [...peers, ...benchPeers];
const wanted: readonly Peer[] = args.includes('--bench') ? all : peers;
const unknown = names.filter((name) => !all.some((peer) => peer.name === name));
if (unknown.length > 0) {
  console.error(`no such peer: ${unknown.join(', ')} (known: ${all.map((peer) => peer.name).join(', ')})`);
  process.exitCode = 2;
} else {
  if (!args.includes('--list')) {
    installAll(names.length === 0 ? wanted : all.filter((peer) => names.includes(peer.name)));
  }
  list(names.length === 0 ? wanted : all);
}
