import { CancelledError, TranshipError, UsageError } from '../base/errors.ts';

/** restic's numbers where it has one for the case. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Something was left out, and named. */
  partial: 3,
  noRepository: 10,
  locked: 11,
  wrongPassword: 12,
  interrupted: 130,
  /** Whoever read the output has gone: 128 and SIGPIPE. */
  outputClosed: 141,
  terminated: 143,
} as const;

export const exitCodeMeanings: Readonly<Record<number, string>> = {
  [exitCode.done]: 'done',
  [exitCode.failed]: 'failed',
  [exitCode.usage]: 'wrong usage',
  [exitCode.partial]: 'partial: something could not be read or written, and was named',
  [exitCode.noRepository]: 'there is no repository at the location',
  [exitCode.locked]: 'the repository is locked',
  [exitCode.wrongPassword]: 'wrong password',
  [exitCode.interrupted]: 'interrupted (143 when terminated)',
};

/** The one place where an error becomes an exit code. */
export function exitCodeOf(error: unknown): number {
  const cause = causeOf(error);
  if (cause instanceof UsageError) return exitCode.usage;
  if (!(cause instanceof TranshipError)) return exitCode.failed;
  switch (cause.code) {
    case 'no-repository':
      return exitCode.noRepository;
    case 'locked':
      return exitCode.locked;
    case 'wrong-password':
      return exitCode.wrongPassword;
    case 'cancelled':
      return exitCode.interrupted;
    default:
      return exitCode.failed;
  }
}

/** What really ended the work: a lock that was lost cancels it, and is the cause of the cancellation. */
export function causeOf(error: unknown): unknown {
  return error instanceof CancelledError && error.cause instanceof TranshipError ? error.cause : error;
}
