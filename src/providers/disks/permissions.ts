import type { DiskDriver } from './driver.ts';

/** What a cloud must allow for each call of its driver, as it writes them in policies. */
export type DiskPermissions = Readonly<Partial<Record<keyof DiskDriver, readonly string[]>>>;
