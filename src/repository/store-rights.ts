import { configKey, namedFileKinds, prefixOf } from './format/file-kind.ts';

/** What a program is there for: to add snapshots, to read them, or to look after the repository and make it. */
export type StoreRole = 'stage' | 'restore' | 'prune';

export const storeRoles: readonly StoreRole[] = ['stage', 'restore', 'prune'];

/** What can be allowed on objects. */
export type StoreRight = 'list' | 'read' | 'write' | 'delete';

/** A right on some of a repository's places: `config`, or folders with their slash. */
export interface StoreGrant {
  /** In letters only, as policies name their statements. */
  readonly name: string;
  readonly right: StoreRight;
  readonly places: readonly string[];
}

const locks = prefixOf('locks');
const folders = namedFileKinds.map(prefixOf);

/** Everything that a repository consists of. */
export const repositoryPlaces: readonly string[] = [configKey, ...folders];

const readAll: StoreGrant = { name: 'ReadRepository', right: 'read', places: repositoryPlaces };
const read: readonly StoreGrant[] = [{ name: 'ListRepository', right: 'list', places: folders }, readAll];

/** The least that each role needs: what is left out of it breaks something. */
export const grantsOfRole: Readonly<Record<StoreRole, readonly StoreGrant[]>> = {
  stage: [
    ...read,
    {
      name: 'AddToRepository',
      right: 'write',
      places: [prefixOf('data'), prefixOf('index'), prefixOf('snapshots'), locks],
    },
    { name: 'RemoveLocks', right: 'delete', places: [locks] },
  ],
  restore: [
    ...read,
    { name: 'WriteLocks', right: 'write', places: [locks] },
    { name: 'RemoveLocks', right: 'delete', places: [locks] },
  ],
  prune: [
    // Who makes a repository looks first that there is none.
    { name: 'ListRepository', right: 'list', places: repositoryPlaces },
    readAll,
    { name: 'WriteRepository', right: 'write', places: repositoryPlaces },
    { name: 'RemoveFromRepository', right: 'delete', places: folders },
  ],
};

/** Whether a role can do without: a restore takes no lock with `--no-lock`. */
export function isOptional(role: StoreRole, { right }: StoreGrant): boolean {
  return role === 'restore' && (right === 'write' || right === 'delete');
}
