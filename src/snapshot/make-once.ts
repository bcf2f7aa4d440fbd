import { allOf } from '../base/all-of.ts';
import type { Clock } from '../base/clock.ts';
import { DiskError, asError } from '../base/errors.ts';
import { operationTag } from '../providers/disks/driver.ts';
import type { DiskListOptions } from '../providers/disks/driver.ts';
import { leavesOpen } from '../providers/disks/retry.ts';

const firstLookMs = 500;
const longestLookMs = 5_000;

/** What a cloud has of an operation. */
export interface MadeItem {
  readonly id: string;
  readonly state: string;
  readonly createdMs: number;
}

/** An order that a cloud may take twice, of one thing or of several in one call. */
export interface Making<Item extends MadeItem> {
  /** One for each item of the result. */
  readonly operationIds: readonly string[];
  readonly create: () => Promise<readonly Item[]>;
  readonly list: (of: DiskListOptions) => AsyncIterable<Item>;
  readonly remove: (id: string) => Promise<void>;
  /** True where the cloud takes a repeated `create` for the same order. */
  readonly repeatsSafely: boolean;
  readonly listingLagMs: number;
  /** True where an earlier try may have been taken. */
  readonly mayExist: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** No answer came: from here on there may be something, also when a later try is refused. */
  readonly onUnanswered: (error: Error) => void;
}

export interface Made<Item extends MadeItem> {
  readonly items: readonly Item[];
  readonly adopted: boolean;
  /** True where another of the same operation may turn up later. */
  readonly mayHaveDuplicates: boolean;
}

/**
 * Gives an order until the cloud has taken it, and looks for what a lost answer may have left before it is given again:
 * as long as a listing may lag. What is found is adopted, and what there is more of it removed.
 */
export async function makeOnce<Item extends MadeItem>(making: Making<Item>): Promise<Made<Item>> {
  const { repeatsSafely, clock, signal } = making;
  let isOpen = making.mayExist && !repeatsSafely;
  let lost = isOpen;
  for (let pauseMs = firstLookMs; ; pauseMs = Math.min(pauseMs * 2, 30_000)) {
    if (isOpen) {
      const found = await lookFor(making);
      if (found !== undefined) return { items: found, adopted: true, mayHaveDuplicates: lost };
    }
    try {
      return { items: await making.create(), adopted: false, mayHaveDuplicates: lost };
    } catch (error) {
      // A server that could not answer once is not the end of it; one that says `timeout` for ever meets the deadline.
      if (!leavesOpen(error) || !isRetryable(error)) throw error;
      making.onUnanswered(asError(error));
      isOpen = !repeatsSafely;
      lost = isOpen;
    }
    await clock.sleep(pauseMs, signal);
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof DiskError && error.retryable;
}

/** One item for each operation; undefined when not all of them are there, and those that are have been removed. */
async function lookFor<Item extends MadeItem>(making: Making<Item>): Promise<readonly Item[] | undefined> {
  const { clock, signal, listingLagMs, operationIds } = making;
  const endMs = clock.monotonicMs() + listingLagMs;
  for (let pauseMs = firstLookMs; ; pauseMs = Math.min(longestLookMs, pauseMs * 2)) {
    const groups: Item[][] = [];
    for (const operationId of operationIds) groups.push(await listOperation(making, operationId));
    const items = groups.flatMap((group) => group.slice(0, 1));
    const isWhole = items.length === operationIds.length;
    const isLast = clock.monotonicMs() >= endMs;
    if (isWhole || isLast) {
      const superfluous = groups.flatMap((group) => (isWhole ? group.slice(1) : group));
      for (const { id } of superfluous) await making.remove(id);
      return isWhole ? items : undefined;
    }
    await clock.sleep(Math.min(pauseMs, Math.max(1, endMs - clock.monotonicMs())), signal);
  }
}

/** Best first: what has not failed, then the oldest. */
async function listOperation<Item extends MadeItem>(
  { list, signal }: Pick<Making<Item>, 'list' | 'signal'>,
  operationId: string,
): Promise<Item[]> {
  const items = await allOf(list({ tags: { [operationTag]: operationId }, signal }));
  const rank = ({ state }: Item): number => (state === 'failed' ? 1 : 0);
  return items
    .filter(({ state }) => state !== 'deleting')
    .sort((a, b) => rank(a) - rank(b) || a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1));
}

/** Removes what else turned up of an operation whose answer was lost; returns the ids. */
export async function removeDuplicates<Item extends MadeItem>(
  making: Pick<Making<Item>, 'operationIds' | 'list' | 'remove' | 'signal'>,
  kept: readonly string[],
): Promise<string[]> {
  const removed: string[] = [];
  for (const operationId of making.operationIds) {
    for (const { id } of await listOperation(making, operationId)) {
      if (kept.includes(id)) continue;
      await making.remove(id);
      removed.push(id);
    }
  }
  return removed;
}
