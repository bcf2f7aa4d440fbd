import type { PreflightFacts } from './facts.ts';

/** What disagrees, and what can be done. */
export interface Disagreement {
  /** Two values, each with what it is: `the disk’s zone`, `us-east-1a`. */
  readonly found: { readonly what: string; readonly value: string };
  readonly wanted: { readonly what: string; readonly value: string };
  /** An imperative sentence. */
  readonly advice: string;
  /** Where the engine itself can help. */
  readonly remedy?: PreflightRemedy | undefined;
}

/** Something that the engine can do about a violation. Plain data. */
export type PreflightRemedy =
  /** Restore with a copy of the snapshot in the target's region. */
  | { readonly kind: 'copy-to-region'; readonly region: string }
  /** Restore into one of these zones. */
  | { readonly kind: 'choose-zones'; readonly zones: readonly string[] }
  /** Share the snapshot with the target's account. */
  | { readonly kind: 'share'; readonly account: string }
  /** Wait so long before the next snapshot. */
  | { readonly kind: 'wait'; readonly waitMs: number };

/** Something that must hold before a disk is snapshotted. */
export interface PreflightRule {
  /** Stable: programs may depend on it. */
  readonly code: string;
  /** An error is refused; a warning is told, and does not keep a snapshot from being taken. */
  readonly severity: 'error' | 'warning';
  /** One sentence: what must hold. */
  readonly rule: string;
  readonly check: (facts: PreflightFacts) => Disagreement | undefined;
}

export function disagree(
  [foundWhat, foundValue]: readonly [string, string],
  [wantedWhat, wantedValue]: readonly [string, string],
  advice: string,
  remedy?: PreflightRemedy,
): Disagreement {
  return {
    found: { what: foundWhat, value: foundValue },
    wanted: { what: wantedWhat, value: wantedValue },
    advice,
    remedy,
  };
}
