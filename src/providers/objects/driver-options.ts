import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';

/** How the driver of a service is made, beside where it goes. */
export interface ServiceDriverOptions {
  /** For callers that schedule. Default 16. */
  readonly connections?: number | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Told what the user should know of how the server is reached, each thing once. Default: nobody is. */
  readonly logger?: Logger | undefined;
}
