import { grantsOfRole, isOptional } from '../store-rights.ts';
import type { StoreGrant, StoreRole } from '../store-rights.ts';
import type { FeatureFinding, RightFinding } from './findings.ts';

/** What the findings mean for each role. */
export interface StoreVerdict {
  /** Whether the role could do its work here, a restore perhaps only without a lock; undefined: it cannot be told. */
  readonly can: Readonly<Record<StoreRole, boolean | undefined>>;
  /** What the role lacks, that it may do without included. */
  readonly missing: Readonly<Record<StoreRole, readonly StoreGrant[]>>;
}

export function verdictOn(
  rights: readonly RightFinding[],
  features: readonly FeatureFinding[],
): StoreVerdict {
  const canRead = features.every(({ feature, outcome }) => feature !== 'range' || outcome !== 'failed');
  const canOf = (role: StoreRole): boolean | undefined => {
    const needed = grantsOfRole[role].filter((grant) => !isOptional(role, grant));
    const has = (test: (finding: RightFinding) => boolean): boolean =>
      needed.some((grant) => placesWhere(grant, rights, test).length > 0);
    if (!canRead || has((found) => isMissing(found, rights))) return false;
    return has(({ outcome }) => outcome === 'unknown') ? undefined : true;
  };
  const missingOf = (role: StoreRole): StoreGrant[] =>
    grantsOfRole[role].flatMap((grant) => {
      const places = placesWhere(grant, rights, (found) => isMissing(found, rights));
      return places.length === 0 ? [] : [{ ...grant, places }];
    });
  return {
    can: { stage: canOf('stage'), restore: canOf('restore'), prune: canOf('prune') },
    missing: { stage: missingOf('stage'), restore: missingOf('restore'), prune: missingOf('prune') },
  };
}

function placesWhere(
  grant: StoreGrant,
  rights: readonly RightFinding[],
  test: (finding: RightFinding) => boolean,
): string[] {
  return grant.places.filter((place) =>
    rights.some((found) => found.right === grant.right && found.place === place && test(found)),
  );
}

/** What cannot be told for want of listing is to be allowed as well. */
function isMissing({ right, place, outcome }: RightFinding, rights: readonly RightFinding[]): boolean {
  if (outcome !== 'unknown') return outcome !== 'works';
  const list = rights.find((found) => found.right === 'list' && found.place === place);
  return right === 'read' && list?.outcome === 'refused';
}
