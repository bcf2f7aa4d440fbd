import type { Clock } from '../../base/clock.ts';
import { throwIfAborted } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { AbortableOptions } from '../objects/driver.ts';
import type { DiskDriver, DiskProvider } from './driver.ts';
import type { DiskPermissions } from './permissions.ts';
import type { DiskSettings } from './settings.ts';

/** How the disks of a cloud are reached. */
export interface OpenDisksOptions extends AbortableOptions {
  /** Region, or location of Azure, that calls go to. Google Cloud needs none. */
  readonly region?: string | undefined;
  readonly settings?: DiskSettings | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Warned of what a user should know of how the cloud is reached. Default: nobody is. */
  readonly logger?: Logger | undefined;
}

/**
 * Opens the disks of a cloud; its SDK is loaded only then, and no other's. Nothing is asked yet. Close it when done.
 * Throws UsageError for settings that cannot be, CancelledError.
 *
 * @example
 * const open = openDisks('aws', { region: 'us-east-1', signal: AbortSignal.abort() });
 * await open.catch((error: unknown) => {
 *   if (!(error instanceof CancelledError)) throw error;
 * });
 */
export async function openDisks(provider: DiskProvider, options: OpenDisksOptions = {}): Promise<DiskDriver> {
  throwIfAborted(options.signal);
  switch (provider) {
    case 'aws': {
      const { EbsDriver } = await import('./ebs/driver.ts');
      const { region, settings, clock, logger } = options;
      return EbsDriver.open({ region, settings: settings?.aws, clock, logger });
    }
    case 'azure': {
      const { AzureDiskDriver } = await import('./azure-disk/driver.ts');
      const { settings, clock, logger } = options;
      return new AzureDiskDriver(settings?.azure, { clock, logger });
    }
    case 'gcp': {
      const { GceDiskDriver } = await import('./gce-disk/driver.ts');
      return new GceDiskDriver(options.settings?.gcp, options.logger);
    }
  }
}

/**
 * What the cloud must allow for each call of its driver; no SDK is loaded for it. Throws UsageError for a cloud that is
 * not supported.
 *
 * @example
 * await diskPermissions('aws').catch((error: unknown) => console.error(error));
 */
export async function diskPermissions(provider: DiskProvider): Promise<DiskPermissions> {
  switch (provider) {
    case 'aws': {
      const { permissions } = await import('./ebs/permissions.ts');
      return permissions;
    }
    case 'azure':
      return (await import('./azure-disk/permissions.ts')).permissions;
    case 'gcp':
      return (await import('./gce-disk/permissions.ts')).permissions;
  }
}
