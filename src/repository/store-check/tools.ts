import type { Clock } from '../../base/clock.ts';
import type { ObjectDriver } from '../../providers/objects/driver.ts';
import type { ObjectStore } from '../../providers/objects/store.ts';

/** What a check of a store works with. */
export interface CheckTools {
  /** Every attempt shows. */
  readonly driver: ObjectDriver;
  /** Tried again for a short while. */
  readonly store: ObjectStore;
  readonly patient: ObjectDriver;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}
