import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { throwIfAborted } from '../base/errors.ts';
import { systemClock } from '../base/system-clock.ts';
import type { ObjectDriver } from '../providers/objects/driver.ts';
import { withRetry } from '../providers/objects/retry.ts';
import { ObjectStore } from '../providers/objects/store.ts';
import { configKey, prefixOf } from './format/file-kind.ts';
import { attempt } from './store-check/attempt.ts';
import type { Attempt } from './store-check/attempt.ts';
import { checkFeatures, clockSkewOf } from './store-check/features.ts';
import type { FeatureFinding, RightFinding } from './store-check/findings.ts';
import type { CheckTools } from './store-check/tools.ts';
import { grantsOfRole, isOptional, repositoryPlaces } from './store-rights.ts';
import type { StoreGrant, StoreRight, StoreRole } from './store-rights.ts';

/** No file of a repository is named so: ids are 64 digits, and every program passes over other names. */
const MARK = 'tranship-check-';
/** A younger leftover may belong to a check that runs now. */
const LEFTOVER_AGE_MS = 60 * 60_000;
/** What fails in passing is tried again for so long, and then told. */
const RETRY_BUDGET_MS = 10_000;

/** What a store allows and can. */
export interface StoreReport {
  readonly rights: readonly RightFinding[];
  readonly features: readonly FeatureFinding[];
  /** Whether each role could do its work here; a restore perhaps only without a lock. */
  readonly can: Readonly<Record<StoreRole, boolean>>;
  /** What each role lacks, that it may do without included. */
  readonly missing: Readonly<Record<StoreRole, readonly StoreGrant[]>>;
  /** By how much the server's clock is ahead, to a second; undefined where nothing could be written. */
  readonly clockSkewMs: number | undefined;
  /** Objects of earlier checks that were removed now, and of this one that could not be. */
  readonly swept: readonly string[];
  readonly left: readonly string[];
}

/** How a store is checked. */
export interface CheckStoreOptions {
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Tries what a repository at the root of the driver would ask of it, there or not, with a few small objects that it
 * removes again: every right in every place, and what the store can do. Where nothing may be deleted, nothing is
 * written: an upload is begun and taken back instead. The file `config` is only read.
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
  const { clock = systemClock, signal } = options;
  const patient = withRetry(driver, { budgetMs: RETRY_BUDGET_MS, clock });
  const check = new StoreCheck({ driver, patient, clock, signal });
  try {
    const rights = await check.rights();
    const features = await checkFeatures(check.tools, rights);
    const skew = await clockSkewOf(check.tools, rights);
    return { rights, features, clockSkewMs: skew, ...judged(rights, features), ...(await check.sweep()) };
  } finally {
    await check.removeOwn();
  }
}

class StoreCheck {
  readonly tools: CheckTools;
  readonly #own = new Set<string>();

  constructor(tools: Omit<CheckTools, 'newKey' | 'store'>) {
    const newKey = (place: string): string => {
      const key = `${folderOf(place)}${MARK}${randomBytes(8).toString('hex')}`;
      this.#own.add(key);
      return key;
    };
    this.tools = { ...tools, store: new ObjectStore(tools.patient), newKey };
  }

  async rights(): Promise<RightFinding[]> {
    const findings: RightFinding[] = [];
    for (const place of repositoryPlaces) {
      throwIfAborted(this.tools.signal);
      findings.push(...(await this.#rightsIn(place)));
    }
    return findings;
  }

  /** Removes what earlier checks have left. */
  async sweep(): Promise<{ readonly swept: readonly string[]; readonly left: readonly string[] }> {
    await this.removeOwn();
    const { store, clock, signal } = this.tools;
    const [swept, left]: [string[], string[]] = [[], []];
    for (const place of repositoryPlaces.filter((name) => name !== configKey)) {
      const found = await attempt(async () => {
        const objects = [];
        for await (const object of store.list(`${folderOf(place)}${MARK}`, { signal })) objects.push(object);
        return objects;
      });
      for (const { key, modifiedMs } of found.value ?? []) {
        if (!this.#own.has(key) && clock.nowMs() - modifiedMs < LEFTOVER_AGE_MS) continue;
        const removed = await attempt(() => store.delete(key, { signal }));
        (removed.outcome === 'works' ? swept : left).push(key);
      }
    }
    return { swept, left };
  }

  /** Also after a cancellation: what a check put into a user's bucket must not stay there. */
  async removeOwn(): Promise<void> {
    for (const key of this.#own) await this.tools.store.delete(key).catch(() => undefined);
  }

  async #rightsIn(place: string): Promise<RightFinding[]> {
    const { store, signal } = this.tools;
    if (place === configKey) return [await this.#configRead()];
    const list = await attempt(() => firstOf(store.list(place, { signal })));
    const key = this.tools.newKey(place);
    const remove = await attempt(() => store.delete(key, { signal }));
    const write = remove.outcome === 'works' ? await this.#put(key) : await this.#begin(key);
    const isThere = write.outcome === 'works' && remove.outcome === 'works';
    const read = isThere
      ? await attempt(() => store.get(key, { signal }))
      : await this.#readMissing(key, list);
    if (isThere) await store.delete(key, { signal });
    return [
      finding('list', place, list),
      finding('read', place, read),
      finding('write', place, write),
      finding('delete', place, remove),
    ];
  }

  async #configRead(): Promise<RightFinding> {
    const { store, signal } = this.tools;
    const found = await attempt(() => store.get(configKey, { signal }));
    return finding('read', configKey, isMissing(found) ? { outcome: 'works' } : found);
  }

  #put(key: string): Promise<Attempt<void>> {
    return attempt(() => this.tools.store.put(key, Buffer.from('tranship'), { signal: this.tools.signal }));
  }

  /**
   * Where what is put could not be deleted: a part of an upload takes the same permission, and leaves nothing once the
   * upload is taken back. Beginning one is not enough, as not every service is asked for it.
   */
  #begin(key: string): Promise<Attempt<void>> {
    return attempt(async () => {
      const { patient, signal } = this.tools;
      const upload = await patient.createMultipart(key, { signal });
      try {
        await upload.putPart(1, Buffer.from('tranship'), { signal });
      } finally {
        await upload.abort();
      }
    });
  }

  /** Services say that an object is missing only to those who may list; to others they refuse. */
  async #readMissing(key: string, list: Attempt<unknown>): Promise<Attempt<unknown>> {
    const found = await attempt(() => this.tools.store.get(key, { signal: this.tools.signal }));
    if (isMissing(found)) return { outcome: 'works' };
    if (list.outcome !== 'refused') return found;
    return { outcome: 'unknown', reason: 'cannot be told without listing' };
  }
}

/** Packs stand in folders below `data/`. */
function folderOf(place: string): string {
  return place === prefixOf('data') ? `${place}00/` : place;
}

function isMissing({ error }: Attempt<unknown>): boolean {
  return error?.code === 'not-found';
}

async function firstOf(listing: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of listing) break;
}

function finding(right: StoreRight, place: string, { outcome, reason }: Attempt<unknown>): RightFinding {
  return { right, place, outcome, ...(reason === undefined ? {} : { reason }) };
}

function judged(
  rights: readonly RightFinding[],
  features: readonly FeatureFinding[],
): Pick<StoreReport, 'can' | 'missing'> {
  // What cannot be told for want of another right is to be allowed as well.
  const isMissingRight = (grant: StoreGrant, place: string): boolean => {
    const found = rights.find((right) => right.right === grant.right && right.place === place);
    return found !== undefined && found.outcome !== 'works';
  };
  const missingOf = (role: StoreRole): StoreGrant[] =>
    grantsOfRole[role].flatMap((grant) => {
      const places = grant.places.filter((place) => isMissingRight(grant, place));
      return places.length === 0 ? [] : [{ ...grant, places }];
    });
  const canRead = features.every(({ feature, outcome }) => feature !== 'range' || outcome !== 'failed');
  const missing = { stage: missingOf('stage'), restore: missingOf('restore'), prune: missingOf('prune') };
  const can = (role: StoreRole): boolean =>
    canRead && missing[role].every((grant) => isOptional(role, grant));
  return { missing, can: { stage: can('stage'), restore: can('restore'), prune: can('prune') } };
}
