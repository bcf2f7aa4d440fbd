import type { S3Settings } from './s3/settings.ts';

/** What reaching a store takes beyond its location, by kind of store. Plain data: another thread can be given it. */
export interface StoreSettings {
  readonly s3?: S3Settings | undefined;
}
