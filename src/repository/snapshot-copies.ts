import type { StoredSnapshot } from './snapshots.ts';

/**
 * The snapshots of a repository, to be asked which of them are copies of others'. restic's rule: a copy has the same
 * first version (`original`, or the id itself), and everything is equal but parent and original.
 */
export class SnapshotCopies {
  readonly #byOrigin = new Map<string, StoredSnapshot[]>();

  constructor(snapshots: Iterable<StoredSnapshot>) {
    for (const snapshot of snapshots) this.add(snapshot);
  }

  add(snapshot: StoredSnapshot): void {
    for (const origin of new Set([snapshot.id, originOf(snapshot)])) {
      const known = this.#byOrigin.get(origin);
      if (known === undefined) this.#byOrigin.set(origin, [snapshot]);
      else known.push(snapshot);
    }
  }

  /** The copy of a snapshot, if there is one. */
  of(snapshot: StoredSnapshot): StoredSnapshot | undefined {
    return this.#byOrigin.get(originOf(snapshot))?.find((candidate) => isSimilar(candidate, snapshot));
  }
}

/** The id of the snapshot's first version, wherever that was stored. */
export function originOf(snapshot: StoredSnapshot): string {
  return snapshot.original ?? snapshot.id;
}

function isSimilar(a: StoredSnapshot, b: StoredSnapshot): boolean {
  return (
    a.timeNs === b.timeNs &&
    a.tree === b.tree &&
    (a.hostname ?? '') === (b.hostname ?? '') &&
    (a.username ?? '') === (b.username ?? '') &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    hasSame(a.paths, b.paths) &&
    hasSame(a.tags ?? [], b.tags ?? []) &&
    JSON.stringify(a.excludes ?? []) === JSON.stringify(b.excludes ?? [])
  );
}

function hasSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && b.every((member) => a.includes(member));
}
