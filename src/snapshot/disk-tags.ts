import { operationTag } from '../providers/disks/driver.ts';
import type { DiskTags } from '../providers/disks/driver.ts';
import type { Repository } from '../repository/repository.ts';
import type { DiskThing } from './disk-events.ts';

/** Keys of what stands on everything that is made in a cloud, beside {@link operationTag}. */
export const diskTag = {
  /** Which repository's documents say what it is. */
  repository: 'tranship/repository',
  /** Id of its document there. */
  document: 'tranship/document',
  /** What it is, a {@link DiskThing}: others copy the tags of a disk to its snapshots, and the other way round. */
  kind: 'tranship/kind',
  plan: 'tranship/plan',
  volume: 'tranship/volume',
  pass: 'tranship/pass',
  /** Seconds since the Unix epoch: digits are in every cloud's alphabet. */
  expires: 'tranship/expires',
} as const;

/** How long after its beginning a snapshot is kept where nobody says otherwise. */
export const defaultExpiryMs = 7 * 24 * 60 * 60_000;

/** Whose volume it is, and of which pass. */
export interface DiskPurpose {
  readonly plan: string;
  readonly volume: string;
  readonly pass: string;
}

/** What all things of one repository have in common. */
export function repositoryTags(repository: Repository): DiskTags {
  return { [diskTag.repository]: repository.config.id.slice(0, 32) };
}

/** The tags of one thing that a document stands for. */
export function tagsOf(
  repository: Repository,
  { plan, volume, pass }: DiskPurpose,
  of: {
    readonly kind: DiskThing;
    readonly document: string;
    readonly operationId: string;
    readonly expiresMs: number;
  },
): DiskTags {
  return {
    ...repositoryTags(repository),
    [diskTag.document]: of.document,
    [diskTag.kind]: of.kind,
    [operationTag]: of.operationId,
    [diskTag.plan]: plan,
    [diskTag.volume]: volume,
    [diskTag.pass]: pass,
    [diskTag.expires]: String(Math.ceil(of.expiresMs / 1000)),
  };
}

/**
 * Tags of a cluster's own on its disks. A disk that keeps them would belong to the source cluster, which removes what
 * is its own when it is removed itself.
 */
const clusterTags = [
  /^kubernetes\.io[/-]cluster[/-]/,
  /^KubernetesCluster$/,
  /^ebs\.csi\.aws\.com\/cluster$/,
  /^k8s-azure-created-by$/,
  /^(?:aws|goog|google)[:-]/,
];

/** The labels of a source that its copy keeps. */
export function keptTags(tags: DiskTags): DiskTags {
  const own = Object.values<string>(diskTag);
  return Object.fromEntries(
    Object.entries(tags).filter(
      ([key]) => key !== operationTag && !own.includes(key) && !clusterTags.some((tag) => tag.test(key)),
    ),
  );
}
