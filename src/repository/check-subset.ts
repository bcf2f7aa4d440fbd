import { randomInt } from 'node:crypto';
import { UsageError } from '../base/errors.ts';

/** Which packs a check reads, as restic's `--read-data-subset`. */
export type ReadDataSubset =
  /** Part 1..of: the packs whose first byte modulo `of` is `part - 1`; all parts together are all packs. */
  | { readonly part: number; readonly of: number }
  /** Chosen at random, at least one. */
  | { readonly percent: number }
  /** As many packs, chosen at random, as have about this many bytes. */
  | { readonly sizeBytes: number };

const unitBytes: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/**
 * Reads `n/t`, `x%`, or a size in bytes with K, M, G or T (powers of 1,024), as restic writes them. Throws UsageError
 * for anything else.
 *
 * @example
 * await check(repository, { readData: parseReadDataSubset('2.5%') });
 */
export function parseReadDataSubset(text: string): ReadDataSubset {
  const [, part, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (part !== undefined && of !== undefined) return checked({ part: Number(part), of: Number(of) }, text);
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (percent !== undefined) return checked({ percent: Number(percent) }, text);
  const [, size, unit = ''] = /^(\d+)([KMGT]?)$/i.exec(text) ?? [];
  if (size === undefined) throw notASubset(text);
  return checked({ sizeBytes: Number(size) * (unitBytes[unit.toUpperCase()] ?? 1) }, text);
}

function checked(subset: ReadDataSubset, text: string): ReadDataSubset {
  const isPossible =
    'of' in subset
      ? subset.part >= 1 && subset.part <= subset.of && subset.of <= 256
      : 'percent' in subset
        ? subset.percent > 0 && subset.percent <= 100
        : subset.sizeBytes > 0 && Number.isSafeInteger(subset.sizeBytes);
  if (!isPossible) throw notASubset(text);
  return subset;
}

function notASubset(text: string): UsageError {
  return new UsageError('not a subset of packs', {
    where: text,
    advice: 'give n/t with 1 <= n <= t <= 256, a percentage such as 2.5%, or a size such as 10G',
  });
}

/** The packs to be read. `random` returns a whole number below its argument; default: the system's. */
export function selectPacks(
  packs: ReadonlyMap<string, { readonly sizeBytes: number }>,
  readData: 'all' | ReadDataSubset,
  random: (limit: number) => number = (limit) => randomInt(limit),
): ReadonlySet<string> {
  if (readData === 'all') return new Set(packs.keys());
  checked(readData, JSON.stringify(readData));
  if ('of' in readData) {
    const { part, of } = readData;
    return new Set([...packs.keys()].filter((id) => Number.parseInt(id.slice(0, 2), 16) % of === part - 1));
  }
  const fraction = 'percent' in readData ? readData.percent / 100 : fractionOfSize(packs, readData.sizeBytes);
  return sample([...packs.keys()], Math.max(1, Math.floor(packs.size * fraction)), random);
}

function fractionOfSize(
  packs: ReadonlyMap<string, { readonly sizeBytes: number }>,
  sizeBytes: number,
): number {
  let totalBytes = 0;
  for (const pack of packs.values()) totalBytes += pack.sizeBytes;
  return totalBytes === 0 ? 1 : Math.min(1, sizeBytes / totalBytes);
}

/** Fisher and Yates's shuffle, stopped after `count` draws. */
function sample(ids: string[], count: number, random: (limit: number) => number): Set<string> {
  const drawn = new Set<string>();
  for (let last = ids.length - 1; last >= 0 && drawn.size < count; last--) {
    const chosen = random(last + 1);
    const id = ids[chosen];
    const moved = ids[last];
    if (id === undefined || moved === undefined) break;
    ids[chosen] = moved;
    drawn.add(id);
  }
  return drawn;
}
