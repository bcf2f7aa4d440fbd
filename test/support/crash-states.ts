/** The states in which a crash may leave a store, derived from a trace of what was asked of it. */
import type { TraceEntry } from './providers/trace.ts';
import type { Random } from './seed.ts';

export interface CrashState {
  /** Says which operations had taken effect. */
  readonly label: string;
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** Changes that had been begun, not ended, and have not taken effect. */
  readonly lost: readonly TraceEntry[];
  /** Snapshots whose puts had ended: acknowledged, as far as the store is concerned. */
  readonly snapshots: readonly string[];
}

/** Beyond this many operations in flight, random subsets of them are taken instead of all. */
const ALL_SUBSETS_UP_TO = 3;
const RANDOM_SUBSETS = 4;

/**
 * Every prefix of the changes in the order in which they ended, and at every moment with operations in flight the
 * subsets of them that may have taken effect. Each state comes once. Puts and deletes are atomic, as drivers promise.
 */
export function* crashStates(
  entries: readonly TraceEntry[],
  initial: ReadonlyMap<string, Uint8Array>,
  random: Random,
): Generator<CrashState, void, undefined> {
  const changes = entries.filter(({ kind, outcome }) => {
    return outcome === 'done' && (kind === 'put' || kind === 'delete');
  });
  const moments = [-1, ...changes.flatMap(({ began, ended }) => [began, ended])].sort((a, b) => a - b);
  const seen = new Set<string>();
  for (const moment of moments) {
    const ended = changes.filter((change) => change.ended <= moment);
    const inFlight = changes.filter((change) => change.began <= moment && change.ended > moment);
    for (const taken of subsetsOf(inFlight, random)) {
      const effective = changes.filter((change) => ended.includes(change) || taken.includes(change));
      const label = effective.map((change) => String(changes.indexOf(change))).join(' ');
      if (seen.has(label)) continue;
      seen.add(label);
      yield {
        label: `after changes [${label}] of ${changes.length}, ${inFlight.length} in flight`,
        objects: objectsAfter(effective, initial),
        lost: inFlight.filter((change) => !taken.includes(change)),
        snapshots: ended.flatMap(({ kind, key }) => {
          return kind === 'put' && key.startsWith('snapshots/') ? [key.slice('snapshots/'.length)] : [];
        }),
      };
    }
  }
}

function objectsAfter(
  changes: readonly TraceEntry[],
  initial: ReadonlyMap<string, Uint8Array>,
): Map<string, Uint8Array> {
  const objects = new Map(initial);
  for (const { kind, key, bytes } of changes) {
    if (kind === 'delete') objects.delete(key);
    else if (bytes === undefined) throw new Error('a trace without bytes has no crash states');
    else objects.set(key, bytes);
  }
  return objects;
}

/** The empty subset comes first: the prefix itself. */
function subsetsOf(entries: readonly TraceEntry[], random: Random): TraceEntry[][] {
  if (entries.length > ALL_SUBSETS_UP_TO) {
    const drawn = Array.from({ length: RANDOM_SUBSETS }, () => entries.filter(() => random.chance(0.5)));
    return [[], ...drawn];
  }
  const subsets: TraceEntry[][] = [[]];
  for (const entry of entries) subsets.push(...subsets.map((subset) => [...subset, entry]));
  return subsets;
}
