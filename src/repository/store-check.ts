import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { systemClock } from '../base/system-clock.ts';
import type { ObjectDriver } from '../providers/objects/driver.ts';
import { withRetry } from '../providers/objects/retry.ts';
import { ObjectStore } from '../providers/objects/store.ts';
import { checkFeatures, clockSkewOf } from './store-check/features.ts';
import type { FeatureFinding, RightFinding } from './store-check/findings.ts';
import { OwnObjects } from './store-check/own-objects.ts';
import { checkRights } from './store-check/rights.ts';
import { sweepLeftovers } from './store-check/sweep.ts';
import type { CheckTools } from './store-check/tools.ts';
import { verdictOn } from './store-check/verdict.ts';
import type { StoreVerdict } from './store-check/verdict.ts';

/** What fails in passing is tried again for so long, and then told. */
const RETRY_BUDGET_MS = 10_000;

/** What a store allows and can. */
export interface StoreReport extends StoreVerdict {
  readonly rights: readonly RightFinding[];
  readonly features: readonly FeatureFinding[];
  /** By how much the server's clock is ahead, to a second; undefined where nothing could be written. */
  readonly clockSkewMs: number | undefined;
  /** Objects of earlier checks that were removed now, and of any check that could not be. */
  readonly swept: readonly string[];
  readonly left: readonly string[];
}

/** How a store is checked. */
export interface CheckStoreOptions {
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Warned of what a check that fails could not remove. Default: nobody is. */
  readonly logger?: Logger | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Tries what a repository at the root of the driver would ask of it, there or not, with a few small objects that it
 * removes again: every right in every place, and what the store can do. Where nothing may be deleted, nothing is
 * written: an upload is begun and taken back instead, where that leaves nothing. The file `config` is only read. In a
 * store that keeps what it is given, by a retention or a hold, one object stays, or two; `left` names them.
 *
 * Rejects with StoreError where the store cannot be spoken to at all (no bucket, wrong credentials), CancelledError.
 *
 * @example
 * const driver = await openDriver('replica');
 * const { can, features } = await checkStore(driver);
 * console.log(can.stage, features);
 */
export async function checkStore(
  driver: ObjectDriver,
  options: CheckStoreOptions = {},
): Promise<StoreReport> {
  const { clock = systemClock, logger, signal } = options;
  const own = new OwnObjects();
  const noted = own.noting(driver);
  const patient = withRetry(noted, { budgetMs: RETRY_BUDGET_MS, clock });
  const tools = { driver: noted, patient, store: new ObjectStore(patient), clock, signal };
  let isDone = false;
  try {
    const found = await findings(tools);
    await own.remove(patient);
    isDone = true;
    return { ...found, left: [...found.left, ...own.keys] };
  } finally {
    // Also after a cancellation: what a check put into a user's bucket must not stay there.
    if (!isDone) {
      await own.remove(patient);
      for (const key of own.keys) logger?.warn(`cannot be removed: ${key}`);
    }
    await driver.removeEmptyFolders?.();
  }
}

async function findings(tools: CheckTools): Promise<StoreReport> {
  const rights = await checkRights(tools);
  const features = await checkFeatures(tools, rights);
  const clockSkewMs = await clockSkewOf(tools, rights);
  const swept = await sweepLeftovers(tools, clockSkewMs);
  return { rights, features, clockSkewMs, ...verdictOn(rights, features), ...swept };
}
