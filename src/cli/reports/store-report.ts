import type { ObjectDriver } from '../../providers/objects/driver.ts';
import { parseStoreLocation } from '../../providers/objects/open.ts';
import type { StoreReport } from '../../repository/store-check.ts';
import type { StoreOutcome } from '../../repository/store-check/findings.ts';
import { awsPolicy } from '../../repository/store-policy.ts';
import { repositoryPlaces, storeRoles } from '../../repository/store-rights.ts';
import type { StoreGrant, StoreRight, StoreRole } from '../../repository/store-rights.ts';
import type { Output } from '../output.ts';
import { textTable } from '../text-table.ts';

const rights: readonly StoreRight[] = ['list', 'read', 'write', 'delete'];

const words: Readonly<Record<StoreOutcome, string>> = {
  works: 'yes',
  refused: 'refused',
  failed: 'FAILED',
  unknown: '?',
};

/** What a check of a store has found, and what must be allowed for the first role that lacks something. */
export function printStoreReport(report: StoreReport, driver: ObjectDriver, output: Output): void {
  if (output.json) output.message(jsonOf(report, driver));
  else for (const line of linesOf(report, driver)) output.print(line);
}

function linesOf(report: StoreReport, driver: ObjectDriver): string[] {
  const problems = [
    ...report.rights.map(({ right, place, reason }) => ({ what: `${right} ${place}`, reason })),
    ...report.features.map(({ feature, reason }) => ({ what: feature, reason })),
  ].filter(({ reason }) => reason !== undefined);
  return [
    ...rightsTable(report),
    ...report.features.map(({ feature, outcome }) => `${feature.padEnd(12)}${words[outcome]}`),
    `${'clock'.padEnd(12)}${clockText(report.clockSkewMs)}`,
    ...problems.map(({ what, reason }) => `${what}: ${reason}`),
    ...report.swept.map((key) => `removed what an earlier check had left: ${key}`),
    ...report.left.map((key) => `cannot be removed: ${key}`),
    '',
    ...storeRoles.map((role) => `${role.padEnd(12)}${verdict(report, role)}`),
    ...adviceLines(report, driver),
  ];
}

function rightsTable({ rights: findings }: StoreReport): string[] {
  const cell = (place: string, right: StoreRight): string[] => {
    const found = findings.find((finding) => finding.place === place && finding.right === right);
    return [found === undefined ? '' : words[found.outcome]];
  };
  const rows = repositoryPlaces.map((place) => [[place], ...rights.map((right) => cell(place, right))]);
  return textTable(['', ...rights], rows, []);
}

function clockText(skewMs: number | undefined): string {
  if (skewMs === undefined) return '?';
  const seconds = Math.abs(skewMs) / 1000;
  if (seconds < 2) return 'the server’s agrees with ours';
  return `the server’s is ${seconds} s ${skewMs > 0 ? 'ahead' : 'behind'}`;
}

function verdict({ can, missing }: StoreReport, role: StoreRole): string {
  const isAble = can[role];
  if (isAble === undefined) return 'may work here: not all that it needs could be tried';
  if (!isAble) return 'cannot work here';
  return missing[role].length === 0 ? 'can work here' : 'can work here with --no-lock';
}

/** For a stage pass, as all that a restore needs is among what it needs. */
function adviceLines({ missing }: StoreReport, driver: ObjectDriver): string[] {
  if (driver.capabilities.readOnly === true) return ['', 'the store was opened for reading only'];
  if (missing.stage.length === 0) return [];
  const policy = policyFor(missing.stage, driver);
  if (policy !== undefined) {
    return ['', 'to be allowed for a stage pass:', JSON.stringify(policy, undefined, 2)];
  }
  const lines = missing.stage.map(({ right, places }) => `${right} ${places.join(' ')}`);
  return ['', 'a stage pass lacks:', ...lines];
}

/** Undefined where there is nothing that a policy would help. */
function policyFor(grants: readonly StoreGrant[], { url, capabilities }: ObjectDriver): object | undefined {
  const location = parseStoreLocation(url);
  if (location.kind !== 's3' || capabilities.readOnly === true || grants.length === 0) return undefined;
  return awsPolicy(grants, location.bucket, location.prefix === '' ? '' : `${location.prefix}/`);
}

function jsonOf(report: StoreReport, driver: ObjectDriver): object {
  const { rights: found, features, can, missing, clockSkewMs, swept, left } = report;
  const policy = policyFor(missing.stage, driver);
  return {
    message_type: 'summary',
    rights: found,
    features,
    clock_skew_seconds: clockSkewMs === undefined ? null : clockSkewMs / 1000,
    can: Object.fromEntries(storeRoles.map((role) => [role, can[role] ?? null])),
    missing: Object.fromEntries(
      storeRoles.map((role) => [role, missing[role].map(({ right, places }) => ({ right, places }))]),
    ),
    ...(policy === undefined ? {} : { policy }),
    swept,
    left,
  };
}
