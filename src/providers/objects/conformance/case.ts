import type { DriverCapabilities, ObjectDriver } from '../driver.ts';
import type { ObjectStore } from '../store.ts';

/** What a case works on. */
export interface ConformanceContext {
  /** Must hold no object when the case begins, and be used by nobody else. */
  readonly driver: ObjectDriver;
  /** The same driver, for what every user goes through. */
  readonly store: ObjectStore;
  /** Objects for the cases about long listings; above 1,000 they cross the pages of the usual services. */
  readonly manyObjects: number;
  /** Of every part but the last; services refuse less than 5 MiB. */
  readonly partSizeBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** One promise of ObjectDriver, as a test. */
export interface ConformanceCase {
  readonly name: string;
  /** Default: needed from every driver. */
  readonly appliesTo?: (capabilities: DriverCapabilities) => boolean;
  /** Rejects when the promise is broken. May leave objects behind. */
  run(context: ConformanceContext): Promise<void>;
}
