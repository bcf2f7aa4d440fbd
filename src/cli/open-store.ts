import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { RetryEvent } from '../providers/objects/attempts.ts';
import type { OpenStoreOptions } from '../providers/objects/open.ts';
import type { StoreSettings } from '../providers/objects/settings.ts';
import type { ByteRate, StoreLimits } from '../providers/objects/store-limits.ts';
import type { Arguments } from './arguments.ts';
import { parseByteRate } from './byte-rate.ts';
import type { CommandContext } from './command.ts';
import type { sourceOptions, storeOptions } from './common-options.ts';
import { sourceSettings, storeSettings } from './store-settings.ts';

const loudFromFailures = 3;

/** How options and environment say that the store at a location is opened. */
export async function storeOpening(
  location: string,
  args: Arguments<typeof storeOptions>,
  context: CommandContext,
): Promise<OpenStoreOptions> {
  return openingWith(await storeSettings(location, args, context.environment), args, context);
}

/** {@link storeOpening} of the store that is copied from. */
export async function sourceOpening(
  location: string,
  args: Arguments<typeof storeOptions & typeof sourceOptions>,
  context: CommandContext,
): Promise<OpenStoreOptions> {
  return openingWith(await sourceSettings(location, args, context.environment), args, context);
}

function openingWith(
  settings: StoreSettings,
  args: Arguments<typeof storeOptions>,
  { logger, signal }: CommandContext,
): OpenStoreOptions {
  return {
    settings,
    limits: storeLimits(args),
    logger,
    onRetry: (event) => tellRetry(logger, event),
    signal,
  };
}

function storeLimits(args: Arguments<typeof storeOptions>): StoreLimits {
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
