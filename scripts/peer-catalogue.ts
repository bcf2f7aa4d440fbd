import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The other programs of the format that judge our bytes and whose bytes we read. */
export type PeerName = 'restic-oldest' | 'restic-newest' | 'rustic';

/** How to get a peer; `debian` falls back on `go` where Debian's version is another one. */
export type PeerRecipe = 'debian' | 'go' | 'cargo';

export interface Peer {
  readonly name: PeerName;
  readonly version: string;
  readonly recipe: PeerRecipe;
  /** Folder inside the cache; holds the version, so that a changed version is a new install. */
  readonly folder: string;
  /** The executable, relative to `folder`. */
  readonly binary: string;
}

export const peers: readonly Peer[] = [
  { name: 'restic-oldest', version: '0.14.0', recipe: 'debian', folder: 'restic-0.14.0', binary: 'restic' },
  { name: 'restic-newest', version: '0.19.1', recipe: 'go', folder: 'restic-0.19.1', binary: 'restic' },
  { name: 'rustic', version: '0.11.4', recipe: 'cargo', folder: 'rustic-0.11.4', binary: 'bin/rustic' },
];

/** Where peers are kept: TRANSHIP_PEERS_DIR, else `tranship/peers` in the user's cache folder. */
export function peersFolder(): string {
  const chosen = process.env['TRANSHIP_PEERS_DIR'];
  if (chosen !== undefined && chosen !== '') return chosen;
  const cache = process.env['XDG_CACHE_HOME'];
  const base = cache === undefined || cache === '' ? join(homedir(), '.cache') : cache;
  return join(base, 'tranship', 'peers');
}

export function peerBinary(peer: Peer): string {
  return join(peersFolder(), peer.folder, peer.binary);
}

export function peerInstalled(peer: Peer): boolean {
  try {
    accessSync(peerBinary(peer), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
