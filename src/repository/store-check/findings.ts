import type { StoreRight } from '../store-rights.ts';

/** What can be found of one thing: `refused` says that a permission is missing. */
export type StoreOutcome = 'works' | 'refused' | 'failed' | 'unknown';

/** Whether something is allowed in one of a repository's places. */
export interface RightFinding {
  readonly right: StoreRight;
  /** `config`, or a folder with its slash. */
  readonly place: string;
  readonly outcome: StoreOutcome;
  /** One line; only with `failed` and `unknown`. */
  readonly reason?: string | undefined;
}

/** Whether a store can do something. */
export interface FeatureFinding {
  readonly feature: 'range' | 'create-only' | 'multipart' | 'checksum';
  readonly outcome: StoreOutcome;
  /** One line; only with `failed` and `unknown`. */
  readonly reason?: string | undefined;
}
