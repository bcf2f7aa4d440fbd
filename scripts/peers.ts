// npm run peers [-- --list] [NAME...]: puts the peers of the tests into a cache folder outside the tree.
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { peerBinary, peerInstalled, peers, peersFolder } from './peer-catalogue.ts';
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
