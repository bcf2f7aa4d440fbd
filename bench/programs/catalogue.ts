import { spawnSync } from 'node:child_process';
import { benchPeers, peerBinary, peerInstalled, peers } from '../../scripts/peer-catalogue.ts';
import type { BenchPeerName, Peer, PeerName } from '../../scripts/peer-catalogue.ts';
import { cp } from './cp.ts';
import { find } from './find.ts';
import { kopia } from './kopia.ts';
import type { Program } from './program.ts';
import { rclone } from './rclone.ts';
import { restic } from './restic.ts';
import { rustic } from './rustic.ts';
import { sdk } from './sdk.ts';
import { tranship } from './tranship.ts';

interface Entry {
  readonly name: string;
  readonly peer?: PeerName | BenchPeerName;
  /** Gets the executable of the peer and what that prints of its version; of tranship the launcher. */
  readonly open: (binary: string, version: string) => Program;
}

const entries: readonly Entry[] = [
  { name: 'tranship', open: tranship },
  { name: 'restic', peer: 'restic-newest', open: restic },
  { name: 'rustic', peer: 'rustic', open: rustic },
  { name: 'kopia', peer: 'kopia', open: (binary, version) => kopia(binary, version) },
  { name: 'kopia-zstd', peer: 'kopia', open: (binary, version) => kopia(binary, version, 'zstd') },
  { name: 'cp', open: () => cp },
  { name: 'find', open: () => find },
  { name: 'rclone', peer: 'rclone', open: rclone },
  { name: 'sdk', open: () => sdk },
];

export const programNames: readonly string[] = entries.map(({ name }) => name);

/** The executable of a peer, or the words that say why a bench does without. */
export function peerProgram(
  name: PeerName | BenchPeerName,
): { readonly binary: string } | { readonly absent: string } {
  const all: readonly Peer[] = [...peers, ...benchPeers];
  const peer = all.find((candidate) => candidate.name === name);
  if (peer === undefined) return { absent: `no peer is called ${name}` };
  if (peerInstalled(peer)) return { binary: peerBinary(peer) };
  return { absent: `${name} ${peer.version} is not installed; to get it: npm run peers -- --bench` };
}

/** Opens the named programs; `skip` is told of each that is absent, once. */
export function openPrograms(
  names: readonly string[],
  launcher: string,
  skip: (name: string, reason: string) => void,
): Program[] {
  return entries.flatMap(({ name, peer, open }) => {
    if (!names.includes(name)) return [];
    if (peer === undefined) return [open(launcher, '')];
    const found = peerProgram(peer);
    if ('binary' in found) return [open(found.binary, versionOf(peer, found.binary))];
    skip(name, found.absent);
    return [];
  });
}

function versionOf(name: PeerName | BenchPeerName, binary: string): string {
  const all: readonly Peer[] = [...peers, ...benchPeers];
  const args = all.find((candidate) => candidate.name === name)?.versionArguments ?? [];
  const line = spawnSync(binary, args, { encoding: 'utf8' }).stdout.split('\n', 1)[0] ?? '';
  // Some go on with how they were built.
  const version = /\d+\.\d+\.\d+/.exec(line)?.[0] ?? line;
  return `${name.replace(/-newest$/, '')} ${version}`;
}
