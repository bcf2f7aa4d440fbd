import { DiskError } from '../base/errors.ts';
import { diskRules } from './preflight/disk-rules.ts';
import type { PreflightFacts } from './preflight/facts.ts';
import { placeRules } from './preflight/place-rules.ts';
import type { Disagreement, PreflightRule } from './preflight/rule.ts';

/**
 * Every rule, in the order in which violations are told.
 *
 * @example
 * for (const { code, rule } of preflightRules) console.log(code, rule);
 */
export const preflightRules: readonly PreflightRule[] = [...placeRules, ...diskRules];

/** A rule that does not hold for a volume: two values that disagree, and what to do. Plain data. */
export interface PreflightViolation extends Disagreement {
  readonly volume: string;
  /** Stable: `zone-unreachable`. */
  readonly code: string;
  /** An `error` keeps a snapshot from being taken; a `warning` does not. */
  readonly severity: 'error' | 'warning';
  /** What must hold. */
  readonly rule: string;
}

/**
 * What speaks against moving a volume by a snapshot of its disk; empty where nothing does. Pure: the same facts give
 * the same violations. What is not known is not judged, and of two providers nothing but that they are two.
 *
 * @example
 * const cluster = { provider: 'aws', region: 'us-east-1', zones: ['us-east-1a'] } as const;
 * const violations = preflight({
 *   volume: 'data',
 *   driver: 'ebs.csi.aws.com',
 *   handle: parseDiskHandle('vol-0123456789abcdef0'),
 *   source: cluster,
 *   target: { ...cluster, region: 'eu-west-1' },
 *   targetClass: { name: 'fast' },
 *   repository: { provider: 'aws', region: 'us-east-1' },
 *   pass: 'final',
 *   quiesced: true,
 *   shareWith: [],
 *   mapping: {},
 * });
 * for (const { code, found, wanted } of violations) console.log(code, found.value, wanted.value);
 */
export function preflight(facts: PreflightFacts): PreflightViolation[] {
  const violations = violationsOf(facts);
  const ofProviders = violations.filter(({ code }) => code === 'provider-mismatch');
  return ofProviders.length > 0 ? ofProviders : violations;
}

function violationsOf(facts: PreflightFacts): PreflightViolation[] {
  return preflightRules.flatMap(({ code, severity, rule, check }) => {
    const disagreement = check(facts);
    return disagreement === undefined
      ? []
      : [{ volume: facts.volume, code, severity, rule, ...disagreement }];
  });
}

/** One line for a person. */
export function describeViolation({ code, found, wanted }: PreflightViolation): string {
  return `${code}: ${found.what}: ${found.value}; ${wanted.what}: ${wanted.value}`;
}

/** Throws DiskError `refused`, naming the first, where there is an error among the violations. */
export function refuseViolations(violations: readonly PreflightViolation[]): void {
  const errors = violations.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (first === undefined) return;
  const more = errors.length === 1 ? '' : `, and ${errors.length - 1} more`;
  throw new DiskError('refused', `${describeViolation(first)}${more}`, {
    where: first.volume,
    advice: first.advice,
  });
}
