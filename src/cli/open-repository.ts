import { availableParallelism } from 'node:os';
import { UsageError } from '../base/errors.ts';
import { openStore, parseStoreLocation } from '../providers/objects/open.ts';
import type { ObjectStore } from '../providers/objects/store.ts';
import type { Repository } from '../repository/repository.ts';
import type { Arguments } from './arguments.ts';
import type { CommandContext } from './command.ts';
import type { lockOptions, readOptions, repositoryOptions, sourceOptions } from './common-options.ts';
import { parseDurationMs } from './duration.ts';
import { sourceOpening, storeOpening } from './open-store.ts';
import { resolvePassword } from './password.ts';
import { repositoryLocation } from './repository-location.ts';

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
  const location = await targetLocation(args, context);
  const store = await openStore(location, {
    ...(await storeOpening(location, args, context)),
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

function targetLocation(
  args: Arguments<typeof repositoryOptions>,
  { environment }: CommandContext,
): Promise<string> {
  return repositoryLocation({
    repository: args.value('repository'),
    repositoryFile: args.value('repository-file'),
    environment,
  });
}

function isFromInput(location: string): boolean {
  const place = parseStoreLocation(location);
  return place.kind === 'velero' && place.file === '-';
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
  if (isFromInput(location) && isFromInput(await targetLocation(args, context))) {
    throw new UsageError('only one of two repositories can be described on standard input', {
      where: 'velero:-',
      advice: 'write the description of the other to a file, and name that',
    });
  }
  const store = await openStore(location, {
    ...(await sourceOpening(location, args, context)),
    readOnly,
  });
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

/**
 * Opens the repository for a pass, whose engine is loaded, and has its first thread come up, while the key is derived:
 * that takes 0.2 to 0.4 s of one processor.
 */
export async function openForPass<Engine>(
  args: Arguments<typeof repositoryOptions>,
  context: CommandContext,
  { loadEngine, readOnly }: { readonly loadEngine: () => Promise<Engine>; readonly readOnly?: boolean },
): Promise<{ readonly repository: Repository; readonly engine: Engine }> {
  const [repository, engine] = await Promise.all([
    openRepository(args, context, readOnly),
    warmedUp(loadEngine),
  ]);
  return { repository, engine };
}

async function warmedUp<Engine>(loadEngine: () => Promise<Engine>): Promise<Engine> {
  const { startSpareThread } = await import('../copy/pipeline/worker-thread.ts');
  // Where there is but one processor the key is derived on it.
  if (availableParallelism() > 1) startSpareThread();
  return loadEngine();
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
