import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The other programs of the format that judge our bytes, and the servers and the proxy that our requests meet. */
export type PeerName =
  | 'restic-oldest'
  | 'restic-newest'
  | 'rustic'
  | 'versitygw'
  | 'ceph'
  | 'fake-gcs-server'
  | 'azurite'
  | 'moto'
  | 'toxiproxy';

/** Programs of other formats, which only the benches compare with. */
export type BenchPeerName = 'kopia' | 'rclone';

/** Builds `${module}/${command}` with Go, the module pinned at `v${version}`. */
export interface GoRecipe {
  readonly kind: 'go';
  readonly module: string;
  /** Default: the module's root. */
  readonly command?: string;
  /** A variable that a release's build sets to the version, for programs that do not know it otherwise. */
  readonly versionVariable?: string;
}

/** Takes one executable from Debian; falls back on `otherwise` where Debian's version is another one. */
interface DebianProgramRecipe {
  readonly kind: 'debian-program';
  readonly package: string;
  readonly otherwise: GoRecipe;
}

/**
 * Unpacks Debian packages, with what they need and the machine lacks, under `root` in the peer's folder. Nothing is
 * installed: no root, no daemon, no change outside the folder. The peer's executable is a script that runs the
 * program named by its first argument.
 */
export interface DebianTreeRecipe {
  readonly kind: 'debian-tree';
  readonly packages: readonly string[];
}

interface CargoRecipe {
  readonly kind: 'cargo';
  readonly crate: string;
}

/** Installs a package, without running what it or its dependencies ask for; `program` is a file of it. */
export interface NpmRecipe {
  readonly kind: 'npm';
  readonly package: string;
  readonly program: string;
}

/** Installs a package of Python's into an environment of its own; the executable runs `module`. */
export interface PythonRecipe {
  readonly kind: 'python';
  /** With its extras: `name[extra]`. */
  readonly package: string;
  readonly module: string;
}

export type PeerRecipe =
  GoRecipe | DebianProgramRecipe | DebianTreeRecipe | CargoRecipe | NpmRecipe | PythonRecipe;

export interface Peer<Name extends string = PeerName | BenchPeerName> {
  readonly name: Name;
  readonly version: string;
  readonly recipe: PeerRecipe;
  /** Folder inside the cache; holds the version, so that a changed version is a new install. */
  readonly folder: string;
  /** The executable, relative to `folder`. */
  readonly binary: string;
  /** Makes the executable print its version as a word of the first line; absent where it cannot tell. */
  readonly versionArguments?: readonly string[];
}

const goRestic: GoRecipe = { kind: 'go', module: 'github.com/restic/restic', command: 'cmd/restic' };

/** What tests and benches need. */
export const peers: readonly Peer<PeerName>[] = [
  {
    name: 'restic-oldest',
    version: '0.14.0',
    recipe: { kind: 'debian-program', package: 'restic', otherwise: goRestic },
    folder: 'restic-0.14.0',
    binary: 'restic',
    versionArguments: ['version'],
  },
  {
    name: 'restic-newest',
    version: '0.19.1',
    recipe: goRestic,
    folder: 'restic-0.19.1',
    binary: 'restic',
    versionArguments: ['version'],
  },
  {
    name: 'rustic',
    version: '0.11.4',
    recipe: { kind: 'cargo', crate: 'rustic-rs' },
    folder: 'rustic-0.11.4',
    binary: 'bin/rustic',
    versionArguments: ['--version'],
  },
  {
    name: 'versitygw',
    version: '1.8.0',
    recipe: {
      kind: 'go',
      module: 'github.com/versity/versitygw',
      command: 'cmd/versitygw',
      versionVariable: 'main.Version',
    },
    folder: 'versitygw-1.8.0',
    binary: 'versitygw',
    versionArguments: ['--version'],
  },
  {
    name: 'ceph',
    version: '16.2.15',
    // The gateway needs a monitor and one disk daemon; a manager only for statistics. The tools are in ceph-common.
    recipe: {
      kind: 'debian-tree',
      packages: ['ceph-base', 'ceph-common', 'ceph-mon', 'ceph-osd', 'radosgw'],
    },
    folder: 'ceph-16.2.15',
    binary: 'ceph-program',
    versionArguments: ['radosgw', '--version'],
  },
  {
    name: 'fake-gcs-server',
    version: '1.56.1',
    recipe: { kind: 'go', module: 'github.com/fsouza/fake-gcs-server' },
    folder: 'fake-gcs-server-1.56.1',
    binary: 'fake-gcs-server',
  },
  {
    name: 'azurite',
    version: '3.37.0',
    recipe: { kind: 'npm', package: 'azurite', program: 'dist/src/blob/main.js' },
    folder: 'azurite-3.37.0',
    binary: 'azurite-blob',
    versionArguments: ['--version'],
  },
  {
    name: 'moto',
    version: '5.2.5',
    recipe: { kind: 'python', package: 'moto[ec2,kms,server]', module: 'moto.server' },
    folder: 'moto-5.2.5',
    binary: 'moto-server',
  },
  {
    name: 'toxiproxy',
    version: '2.12.0',
    recipe: {
      kind: 'go',
      module: 'github.com/Shopify/toxiproxy/v2',
      command: 'cmd/server',
      versionVariable: 'github.com/Shopify/toxiproxy/v2.Version',
    },
    folder: 'toxiproxy-2.12.0',
    binary: 'toxiproxy-server',
    versionArguments: ['--version'],
  },
];

/** What benches need besides: `npm run peers -- --bench`. Another S3 server for them is one more entry here. */
export const benchPeers: readonly Peer<BenchPeerName>[] = [
  {
    name: 'kopia',
    version: '0.23.1',
    recipe: {
      kind: 'go',
      module: 'github.com/kopia/kopia',
      versionVariable: 'github.com/kopia/kopia/repo.BuildVersion',
    },
    folder: 'kopia-0.23.1',
    binary: 'kopia',
    versionArguments: ['--version'],
  },
  {
    name: 'rclone',
    version: '1.75.1',
    recipe: {
      kind: 'go',
      module: 'github.com/rclone/rclone',
      versionVariable: 'github.com/rclone/rclone/fs.Version',
    },
    folder: 'rclone-1.75.1',
    binary: 'rclone',
    versionArguments: ['version'],
  },
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
