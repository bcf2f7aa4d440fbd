import {
  CancelledError,
  FileSystemError,
  RepositoryError,
  StoreError,
  TranshipError,
  UsageError,
} from './errors.ts';
import type { ErrorCode } from './errors.ts';

/** An error in a form that survives being posted to another thread with its class and code. */
export interface TransportedError {
  readonly className: string;
  readonly code: ErrorCode | undefined;
  readonly what: string;
  readonly where: string | undefined;
  readonly advice: string | undefined;
  readonly errno: string | undefined;
  readonly retryable: boolean;
  readonly stack: string | undefined;
}

const classes = { StoreError, RepositoryError, FileSystemError };

export function packError(error: unknown): TransportedError {
  if (error instanceof TranshipError) {
    const { code, what, where, advice, errno, retryable, stack } = error;
    return { className: error.name, code, what, where, advice, errno, retryable, stack };
  }
  const what = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  return {
    className: 'Error',
    code: undefined,
    what,
    where: undefined,
    advice: undefined,
    errno: undefined,
    retryable: false,
    stack,
  };
}

/** An error of the same class; its cause is an Error with the other thread's stack. */
export function unpackError(packed: TransportedError): Error {
  const cause = new Error(packed.what);
  cause.stack = packed.stack ?? packed.what;
  const { code, what, where, advice, errno, retryable } = packed;
  if (code === undefined) return cause;
  if (code === 'cancelled') return new CancelledError(cause);
  const details = {
    cause,
    retryable,
    ...(where === undefined ? {} : { where }),
    ...(advice === undefined ? {} : { advice }),
    ...(errno === undefined ? {} : { errno }),
  };
  if (packed.className === 'UsageError') return new UsageError(what, details);
  const ErrorClass =
    Object.entries(classes).find(([name]) => name === packed.className)?.[1] ?? TranshipError;
  return new ErrorClass(code, what, details);
}
