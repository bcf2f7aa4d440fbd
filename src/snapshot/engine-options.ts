import type { Clock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { AbortableOptions } from '../providers/objects/driver.ts';
import type { DiskDriver } from '../providers/disks/driver.ts';
import { withDiskRetry } from '../providers/disks/retry.ts';
import type { Repository } from '../repository/repository.ts';
import type { DiskEvent } from './disk-events.ts';

/** Options of all work on a cloud's disks. */
export interface DiskEngineOptions extends AbortableOptions {
  /** How long everything together may take. Default 60 minutes. */
  readonly deadlineMs?: number | undefined;
  /** Must not throw. */
  readonly onEvent?: ((event: DiskEvent) => void) | undefined;
}

/** What work on disks goes on with. */
export interface DiskEngine {
  readonly repository: Repository;
  /** Tries again what may be tried again. */
  readonly driver: DiskDriver;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly onEvent: (event: DiskEvent) => void;
}

const defaultDeadlineMs = 60 * 60_000;
/** From so many failures in a row on whoever waits should know why. */
const loudFromFailures = 3;

export function diskEngine(
  repository: Repository,
  driver: DiskDriver,
  { deadlineMs = defaultDeadlineMs, onEvent = () => undefined }: DiskEngineOptions,
): DiskEngine {
  const { clock, logger } = repository;
  const retried = withDiskRetry(driver, {
    clock,
    onRetry: ({ kind, key, failures, error }) => {
      const message = `${kind} ${key} failed, and is tried again: ${describeError(error)}`;
      if (failures < loudFromFailures) logger.debug(message);
      else logger.warn(message);
    },
  });
  return { repository, driver: retried, clock, deadlineMs, onEvent };
}
