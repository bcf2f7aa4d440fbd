import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { RetryEvent } from '../providers/objects/attempts.ts';
import { openStore } from '../providers/objects/open.ts';
import type { OpenStoreOptions } from '../providers/objects/open.ts';
import type { StoreSettings } from '../providers/objects/settings.ts';
import type { ObjectStore } from '../providers/objects/store.ts';
import type { Repository } from '../repository/repository.ts';
import type { Arguments } from './arguments.ts';
import type { CommandContext } from './command.ts';
import type { Environment } from './environment.ts';
import type { lockOptions, readOptions, repositoryOptions, storeOptions } from './common-options.ts';
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
  const store = await openStore(location, {
    ...storeOpening(args, context),
    readOnly: options.readOnly ?? false,
  });
  const password = await resolvePassword({
    file: args.value('password-file'),
    command: args.value('password-command'),
    environment,
    confirm: options.newPassword ?? false,
    signal,
  });
  return { store, location, password };
}

/** How options and environment say that a store is opened. */
export function storeOpening(
  args: Arguments<typeof storeOptions>,
  { environment, logger, signal }: CommandContext,
): OpenStoreOptions {
  return {
    settings: storeSettings(args, environment),
    onRetry: (event) => tellRetry(logger, event),
    onWarning: (message) => logger.warn(message),
    signal,
  };
}

function storeSettings(args: Arguments<typeof storeOptions>, environment: Environment): StoreSettings {
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
