import { UsageError, describeError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { RetryEvent } from '../providers/objects/attempts.ts';
import { openStore } from '../providers/objects/open.ts';
import type { StoreSettings } from '../providers/objects/settings.ts';
import type { ByteRate, StoreLimits } from '../providers/objects/store-limits.ts';
import type { ObjectStore } from '../providers/objects/store.ts';
import type { Repository } from '../repository/repository.ts';
import type { Arguments } from './arguments.ts';
import { parseByteRate } from './byte-rate.ts';
import type { CommandContext } from './command.ts';
import type { Environment } from './environment.ts';
import type { lockOptions, readOptions, repositoryOptions, sourceOptions } from './common-options.ts';
import { parseDurationMs } from './duration.ts';
import { resolvePassword } from './password.ts';
import { repositoryLocation } from './repository-location.ts';

const loudFromFailures = 3;

export interface RepositoryAccess {
  readonly store: ObjectStore;
  readonly location: string;
  readonly password: string;
}

/** The store and the password that options and environment name. */
export async function accessRepository(
  args: Arguments<typeof repositoryOptions>,
  context: CommandContext,
  options: { readonly readOnly?: boolean; readonly newPassword?: boolean } = {},
): Promise<RepositoryAccess> {
  const { environment, signal } = context;
  const location = await repositoryLocation({
    repository: args.value('repository'),
    repositoryFile: args.value('repository-file'),
    environment,
  });
  const settings = storeSettings(args, environment);
  const store = await openStoreAt(location, settings, args, context, options.readOnly ?? false);
  const password = await resolvePassword({
    file: args.value('password-file'),
    command: args.value('password-command'),
    environment,
    confirm: options.newPassword ?? false,
    signal,
  });
  return { store, location, password };
}

function openStoreAt(
  location: string,
  settings: StoreSettings,
  args: Arguments<typeof repositoryOptions>,
  { logger, signal }: CommandContext,
  readOnly: boolean,
): Promise<ObjectStore> {
  const limits = storeLimits(args);
  return openStore(location, {
    readOnly,
    settings,
    limits,
    onRetry: (event) => tellRetry(logger, event),
    signal,
  });
}

function storeSettings(args: Arguments<typeof repositoryOptions>, environment: Environment): StoreSettings {
  const idleTimeout = args.value('idle-timeout');
  const common = {
    credentialsFile: args.value('credentials-file'),
    allowHttp: args.flag('allow-http'),
    idleTimeoutMs: idleTimeout === undefined ? undefined : parseDurationMs(idleTimeout),
  };
  return {
    gcs: { ...common, endpoint: environment.gcsEndpoint, accessToken: environment.gcsAccessToken },
    s3: { ...common, endpoint: environment.s3Endpoint, profile: args.value('profile') },
  };
}

/** Opens the repository that is copied from. */
export async function openSource(
  args: Arguments<typeof repositoryOptions & typeof sourceOptions>,
  context: CommandContext,
  readOnly = false,
): Promise<Repository> {
  const { environment, logger, signal } = context;
  const { from } = environment;
  const isSource = true;
  const location = await repositoryLocation({
    repository: args.value('from-repository'),
    repositoryFile: args.value('from-repository-file'),
    environment: from,
    isSource,
  });
  const settings = sourceSettings(args, environment);
  const store = await openStoreAt(location, settings, args, context, readOnly);
  const password = await resolvePassword({
    file: args.value('from-password-file'),
    command: args.value('from-password-command'),
    environment: from,
    isSource,
    signal,
  });
  const { Repository: opener } = await import('../repository/repository.ts');
  return opener.open(store, { password, logger, signal });
}

/** As for the other repository, but for the credentials: from the options for it, from the environment, or the same. */
function sourceSettings(
  args: Arguments<typeof repositoryOptions & typeof sourceOptions>,
  environment: Environment,
): StoreSettings {
  const settings = storeSettings(args, environment);
  const profile = args.value('from-profile');
  const credentialsFile = args.value('from-credentials-file');
  if (profile !== undefined || credentialsFile !== undefined) {
    const accessToken = credentialsFile === undefined ? settings.gcs?.accessToken : undefined;
    return {
      gcs: { ...settings.gcs, credentialsFile, accessToken },
      s3: { ...settings.s3, profile, credentialsFile },
    };
  }
  const { accessKeyId, secretAccessKey, sessionToken } = environment.from;
  if (accessKeyId === undefined && secretAccessKey === undefined && sessionToken === undefined)
    return settings;
  // A key without its other half would be looked for elsewhere, and another one found.
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new UsageError('the S3 credentials of the source are not complete', {
      advice: 'set both TRANSHIP_FROM_AWS_ACCESS_KEY_ID and TRANSHIP_FROM_AWS_SECRET_ACCESS_KEY',
    });
  }
  return { ...settings, s3: { ...settings.s3, credentials: { accessKeyId, secretAccessKey, sessionToken } } };
}

function storeLimits(args: Arguments<typeof repositoryOptions>): StoreLimits {
  const rate = (name: 'limit-upload' | 'limit-download'): ByteRate | undefined => {
    const text = args.value(name);
    return text === undefined ? undefined : parseByteRate(text, name);
  };
  return {
    uploadRate: rate('limit-upload'),
    downloadRate: rate('limit-download'),
    requestsPerSecond: args.integer('limit-requests', 1),
  };
}

/** A request that fails once is everyday; one that keeps failing explains why nothing moves. */
function tellRetry(logger: Logger, { kind, key, failures, delayMs, error }: RetryEvent): void {
  const seconds = (delayMs / 1000).toFixed(1);
  const message = `${kind} ${key} failed, again in ${seconds} s, for 15 minutes at most: ${describeError(error)}`;
  if (failures < loudFromFailures) logger.debug(message);
  else logger.warn(message);
}

/** Opens the repository for a command that also writes. */
export async function openRepository(
  args: Arguments<typeof repositoryOptions>,
  context: CommandContext,
  readOnly = false,
): Promise<Repository> {
  const { store, password } = await accessRepository(args, context, { readOnly });
  const { Repository: opener } = await import('../repository/repository.ts');
  return opener.open(store, { password, logger: context.logger, signal: context.signal });
}

/** Opens the repository and holds a shared lock during the work, unless `--no-lock` is given. */
export async function readRepository(
  args: Arguments<typeof repositoryOptions & typeof readOptions>,
  context: CommandContext,
  work: (repository: Repository, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const options = { noLock: args.flag('no-lock'), retryLockMs: retryLockMs(args), signal: context.signal };
  const repository = await openRepository(args, context, options.noLock);
  const { underSharedLock } = await import('../copy/shared-lock.ts');
  return underSharedLock(repository, options, (signal) => work(repository, signal));
}

export function retryLockMs(args: Arguments<typeof lockOptions>): number {
  return parseDurationMs(args.value('retry-lock') ?? '0');
}
