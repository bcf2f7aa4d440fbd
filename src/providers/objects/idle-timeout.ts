import { UsageError } from '../../base/errors.ts';

const IDLE_TIMEOUT_MS = 120_000;
/** What Node's timers take. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The idle timeout of a store's settings, or the default; throws UsageError for what no timer can keep. */
export function checkedIdleTimeoutMs(settings: { readonly idleTimeoutMs?: number | undefined }): number {
  const { idleTimeoutMs = IDLE_TIMEOUT_MS } = settings;
  if (idleTimeoutMs >= 1 && idleTimeoutMs <= MAX_TIMEOUT_MS) return idleTimeoutMs;
  throw new UsageError('the idle timeout must be between 1 ms and 24 days', { where: String(idleTimeoutMs) });
}
