import { DiskError } from '../../../base/errors.ts';

/** Kinds of resources of Azure's computing that the driver names. */
export type ResourceKind = 'disks' | 'snapshots' | 'diskEncryptionSets';

/** What a full id of Azure says. */
export interface ResourceId<Kind extends ResourceKind = ResourceKind> {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly kind: Kind;
  readonly name: string;
}

const ID = new RegExp(
  '^/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft.Compute/([^/]+)/([^/]+)$',
  'i',
);
const SUBSCRIPTION = /^[0-9a-f-]{36}$/;
const RESOURCE_GROUP = /^[\p{L}\p{N}_.()-]{1,90}$/u;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/;

/**
 * Reads a full id, whose parts Azure compares without regard to case. Azure itself writes one resource group now as it
 * was made and now in capitals, so subscription and group come out in small letters: ids of one thing are equal.
 * Throws DiskError for another kind's id and for what is none.
 */
export function parseResourceId<Kind extends ResourceKind>(id: string, kind: Kind): ResourceId<Kind> {
  const found = readResourceId(id, kind);
  if (found !== undefined) return found;
  throw new DiskError('invalid-argument', `not the full id of one of Azure’s ${kind}`, {
    where: id,
    advice: `write /subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/${kind}/NAME`,
  });
}

/** As {@link parseResourceId}; undefined where that throws. */
export function readResourceId<Kind extends ResourceKind>(
  id: string,
  kind: Kind,
): ResourceId<Kind> | undefined {
  const [, subscription = '', group = '', found = '', name = ''] = ID.exec(id) ?? [];
  const resourceGroup = group.toLowerCase();
  const isValid =
    found.toLowerCase() === kind.toLowerCase() &&
    isSubscription(subscription.toLowerCase()) &&
    RESOURCE_GROUP.test(resourceGroup) &&
    !resourceGroup.endsWith('.') &&
    NAME.test(name);
  return isValid ? { subscription: subscription.toLowerCase(), resourceGroup, kind, name } : undefined;
}

/** The full id as it is given out. */
export function formatResourceId({ subscription, resourceGroup, kind, name }: ResourceId): string {
  return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/Microsoft.Compute/${kind}/${name}`;
}

/** True for a subscription's id in small letters. */
export function isSubscription(id: string): boolean {
  return SUBSCRIPTION.test(id);
}
