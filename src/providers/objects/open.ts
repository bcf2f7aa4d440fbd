import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../base/clock.ts';
import { StoreError, UsageError, throwIfAborted } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { systemClock } from '../../base/system-clock.ts';
import type { RetryEvent } from './attempts.ts';
import { parseAzureBlobLocation, parseResticAzureLocation } from './azure-blob/location.ts';
import type { AzureBlobLocation } from './azure-blob/location.ts';
import type { AbortableOptions, ObjectDriver } from './driver.ts';
import type { ServiceDriverOptions } from './driver-options.ts';
import { withBandwidth } from './bandwidth.ts';
import { withLimit } from './limit.ts';
import { mergedSettings } from './merged-settings.ts';
import { withObserver } from './observe.ts';
import type { OperationObserver } from './observe.ts';
import { asReadOnly } from './read-only.ts';
import { withPrefix } from './prefix.ts';
import { withRequestRate } from './request-rate.ts';
import { withRetry } from './retry.ts';
import { parseGcsLocation } from './gcs/location.ts';
import type { GcsLocation } from './gcs/location.ts';
import { parseS3Location } from './s3/location.ts';
import type { S3Location } from './s3/location.ts';
import type { StoreSettings } from './settings.ts';
import { checkStoreLimits } from './store-limits.ts';
import type { StoreLimits } from './store-limits.ts';
import { ObjectStore } from './store.ts';
import { parseVeleroLocation } from './velero/location.ts';
import type { VeleroLocation } from './velero/location.ts';

/** How a store is opened. */
export interface OpenStoreOptions extends AbortableOptions {
  /** Credentials and the like; default: what the services' own programs would take. */
  readonly settings?: StoreSettings | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Warned of what a user should know of how the store is reached and described. Default: nobody is. */
  readonly logger?: Logger | undefined;
  /** Called for every request that has ended, each attempt on its own; must not throw. */
  readonly observe?: OperationObserver | undefined;
  /** Called before each wait for another attempt; must not throw. */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
  /** Requests at once. Default: what suits the kind of store. */
  readonly connections?: number | undefined;
  /**
   * Ceilings of bandwidth and requests, for all requests of this store together. The few bytes that keep a lock alive
   * are not held back. Default: none.
   */
  readonly limits?: StoreLimits | undefined;
  /** Refuse everything that would change the store. Default false. */
  readonly readOnly?: boolean | undefined;
}

/** Where a store is, before any driver is loaded. */
type DirectLocation =
  | AzureBlobLocation
  | GcsLocation
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'memory' }
  | S3Location;

/** The same, or a file that says it. */
export type StoreLocation = DirectLocation | VeleroLocation;

const FORMS =
  'use a path, file:///absolute/path, local:path, s3://bucket/prefix, gs://bucket/prefix, ' +
  'azblob://account/container/prefix, velero:FILE or memory:';
/** Forms of services that have no driver yet; restic's spellings among them. */
const NOT_YET: ReadonlySet<string> = new Set(['rest', 'sftp', 'b2', 'swift', 'rclone']);
/** A scheme stands before the first colon, and before any slash: `./a:b` is a path. */
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s;

/**
 * Opens the store at a location: a path (relative or absolute), `file:///absolute/path`, restic's `local:path`,
 * `azblob://account/container/prefix` or restic's `azure:container:/prefix`, `gs://bucket/prefix` or restic's
 * `gs:bucket:/prefix`, `s3://bucket/prefix?endpoint=URL&region=NAME` or restic's `s3:https://host/bucket/prefix`,
 * `velero:FILE?path=restic/NAMESPACE`, a file that describes a store as Velero is told of it (docs/providers.md), or
 * `memory:` (empty, and gone when closed). Nothing is created; a folder that is missing is made by the first put, a
 * bucket or container by nobody. Instead of a location a driver of your own may be given. Every request is tried again
 * for up to 15 minutes where its failure is passing, and the number of requests at once yields to an overloaded server.
 *
 * Rejects with UsageError for any other form, without repeating it (locations may hold passwords); with StoreError
 * where the path is no folder; with CancelledError.
 *
 * @example
 * const local = await openStore('replica', { readOnly: true });
 * console.log(local.url, await local.exists('config'));
 * await local.close();
 */
export async function openStore(
  location: string | ObjectDriver,
  options: OpenStoreOptions = {},
): Promise<ObjectStore> {
  throwIfAborted(options.signal);
  checkStoreLimits(options.limits ?? {});
  if (typeof location !== 'string') return new ObjectStore(decorate(location, options), options.settings);
  const { place, options: resolved } = await resolve(location, options);
  const driver = await driverAt(place, resolved);
  throwIfAborted(options.signal);
  return new ObjectStore(decorate(driver, resolved), resolved.settings);
}

/**
 * The driver at a location as {@link openStore} takes it, bare: nothing is tried again or limited, and only `readOnly`
 * refuses anything. For checks of a store itself, such as `checkStore` and `checkConformance`. Rejects as `openStore`
 * does.
 *
 * @example
 * const driver = await openDriver('replica');
 * console.log(driver.url, driver.capabilities.confirmsPuts);
 * await driver.close();
 */
export async function openDriver(location: string, options: OpenStoreOptions = {}): Promise<ObjectDriver> {
  throwIfAborted(options.signal);
  const { place, options: resolved } = await resolve(location, options);
  const driver = await driverAt(place, resolved);
  return resolved.readOnly === true ? asReadOnly(driver) : driver;
}

/** Reads the file of a location that only names one. */
async function resolve(
  location: string,
  options: OpenStoreOptions,
): Promise<{ readonly place: DirectLocation; readonly options: OpenStoreOptions }> {
  const place = parseStoreLocation(location);
  if (place.kind !== 'velero') return { place, options };
  const { readDescription } = await import('./velero/read-description.ts');
  const described = await readDescription(place, options.signal);
  for (const warning of described.warnings) options.logger?.warn(warning);
  const direct = parseStoreLocation(described.location);
  if (direct.kind === 'velero') throw new UsageError('a description cannot name another one');
  return {
    place: direct,
    options: {
      ...options,
      settings: mergedSettings(described.settings, options.settings),
      readOnly: options.readOnly === true || described.readOnly,
    },
  };
}

/** Reads a location; throws UsageError for a form that is unknown or has no driver yet. */
export function parseStoreLocation(location: string): StoreLocation {
  const [, scheme, rest = ''] = SCHEME.exec(location) ?? [];
  if (scheme === undefined) return localAt(location);
  switch (scheme.toLowerCase()) {
    case 'azblob':
      return parseAzureBlobLocation(rest);
    case 'azure':
      return parseResticAzureLocation(rest);
    case 'memory':
      if (rest !== '') throw new UsageError('memory: takes nothing after the colon', { advice: FORMS });
      return { kind: 'memory' };
    case 'local':
      return localAt(rest);
    case 'file':
      return localAt(pathOfFileUrl(location));
    case 'gs':
      return parseGcsLocation(rest);
    case 's3':
      return parseS3Location(rest);
    case 'velero':
      return parseVeleroLocation(rest);
    default:
      throw unsupported(scheme.toLowerCase());
  }
}

function localAt(path: string): StoreLocation {
  if (path === '') throw new UsageError('the location of the store is empty', { advice: FORMS });
  if (path.includes('\0')) throw new UsageError('a path cannot hold a zero byte');
  return { kind: 'local', path };
}

function pathOfFileUrl(location: string): string {
  const wrong = { where: 'file:', advice: 'write file:///absolute/path, without host or query' };
  if (!location.slice('file:'.length).startsWith('///')) throw new UsageError('not a file URL', wrong);
  try {
    const url = new URL(location);
    if (url.search === '' && url.hash === '') return fileURLToPath(url);
  } catch (error) {
    throw new UsageError('not a file URL', { ...wrong, cause: error });
  }
  throw new UsageError('not a file URL', wrong);
}

function unsupported(scheme: string): UsageError {
  const what = NOT_YET.has(scheme) ? 'this kind of store is not supported yet' : 'unknown kind of store';
  return new UsageError(what, {
    where: `${scheme}:`,
    advice: `${FORMS}; ./ begins a path that holds a colon`,
  });
}

async function driverAt(location: DirectLocation, options: OpenStoreOptions): Promise<ObjectDriver> {
  if (location.kind === 'memory') {
    const { MemoryDriver } = await import('./memory/driver.ts');
    return new MemoryDriver({ clock: options.clock });
  }
  if (location.kind === 'azure-blob') {
    const { AzureBlobDriver } = await import('./azure-blob/driver.ts');
    const driver = new AzureBlobDriver(location, options.settings?.azureBlob, serviceOptions(options));
    return location.prefix === '' ? driver : withPrefix(driver, location.prefix);
  }
  if (location.kind === 'gcs') {
    const { GcsDriver } = await import('./gcs/driver.ts');
    const driver = new GcsDriver(location, options.settings?.gcs, serviceOptions(options));
    return location.prefix === '' ? driver : withPrefix(driver, location.prefix);
  }
  if (location.kind === 's3') {
    const { S3Driver } = await import('./s3/driver.ts');
    const driver = new S3Driver(location, options.settings?.s3, serviceOptions(options));
    return location.prefix === '' ? driver : withPrefix(driver, location.prefix);
  }
  const [{ LocalDriver }, { localError, systemCodeOf }] = await Promise.all([
    import('./local/driver.ts'),
    import('./local/local-error.ts'),
  ]);
  try {
    if ((await stat(location.path)).isDirectory()) return new LocalDriver(location.path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return new LocalDriver(location.path);
    throw localError(error, 'open', location.path);
  }
  throw new StoreError('invalid-argument', 'not a folder', { where: location.path });
}

function serviceOptions({ connections, clock, logger }: OpenStoreOptions): ServiceDriverOptions {
  return { connections, clock, logger };
}

function decorate(driver: ObjectDriver, options: OpenStoreOptions): ObjectDriver {
  const { clock, observe, onRetry, connections, limits } = options;
  const observed = observe === undefined ? driver : withObserver(driver, { observer: observe, clock });
  const slowed = withStoreLimits(withLimit(observed, { connections }), limits ?? {}, clock ?? systemClock);
  const retried = withRetry(slowed, { clock, onRetry });
  return options.readOnly === true ? asReadOnly(retried) : retried;
}

function withStoreLimits(driver: ObjectDriver, limits: StoreLimits, clock: Clock): ObjectDriver {
  const { uploadRate, downloadRate, requestsPerSecond } = limits;
  const hasRate = uploadRate !== undefined || downloadRate !== undefined;
  const paced = hasRate ? withBandwidth(driver, { uploadRate, downloadRate, clock }) : driver;
  return requestsPerSecond === undefined ? paced : withRequestRate(paced, { requestsPerSecond, clock });
}
