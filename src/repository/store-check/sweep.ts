import { configKey } from '../format/file-kind.ts';
import { repositoryPlaces } from '../store-rights.ts';
import { attempt } from './attempt.ts';
import { isProbe, probePrefix } from './probe.ts';
import type { CheckTools } from './tools.ts';

/** A younger leftover may belong to a check that runs now. */
const LEFTOVER_AGE_MS = 60 * 60_000;

/** What earlier checks have left: what was removed now, and what could not be. */
export interface Sweep {
  readonly swept: readonly string[];
  readonly left: readonly string[];
}

/** Removes what checks that were killed have left. Ages are told by the server's clock alone: without it, nothing. */
export async function sweepLeftovers(tools: CheckTools, clockSkewMs: number | undefined): Promise<Sweep> {
  const [swept, left]: [string[], string[]] = [[], []];
  if (clockSkewMs === undefined) return { swept, left };
  const { store, clock, signal } = tools;
  const oldestMs = clock.nowMs() + clockSkewMs - LEFTOVER_AGE_MS;
  for (const place of repositoryPlaces.filter((name) => name !== configKey)) {
    const found = await attempt(async () => {
      const keys: string[] = [];
      for await (const object of store.list(probePrefix(place), { signal })) {
        if (isProbe(place, object) && object.modifiedMs <= oldestMs) keys.push(object.key);
      }
      return keys;
    });
    for (const key of found.value ?? []) {
      const removed = await attempt(() => store.delete(key, { signal }));
      (removed.outcome === 'works' ? swept : left).push(key);
    }
  }
  return { swept, left };
}
