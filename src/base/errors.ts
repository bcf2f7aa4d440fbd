/**
 * The cause of an error, which tells a program what to do. Error rules:
 * - A class names the part of the world that failed; `code` names the cause; callers switch on `code`.
 * - A message is one line: what failed, where, and what to do next. It never holds a secret.
 * - The original error is kept as `cause`, never flattened into text alone.
 * - `retryable` is known where the error is made, never guessed from a message.
 */
export type ErrorCode =
  | 'not-found'
  | 'no-bucket'
  | 'already-exists'
  | 'unauthenticated'
  | 'permission-denied'
  | 'throttled'
  | 'unavailable'
  | 'timeout'
  | 'no-space'
  | 'corrupt'
  | 'unsupported'
  | 'invalid-argument'
  | 'conflict'
  | 'locked'
  | 'no-repository'
  | 'wrong-password'
  | 'unsafe-path'
  | 'quota-exceeded'
  | 'failed'
  | 'refused'
  | 'io'
  | 'cancelled';

/** What an error carries beside its code and its words. */
export interface ErrorDetails {
  /** The failing thing: an object key, a path, an id. */
  readonly where?: string;
  /** What the reader can do about it, an imperative sentence. */
  readonly advice?: string;
  readonly cause?: unknown;
  /** Name of the system's error number, such as 'ENOENT', where a system call failed. */
  readonly errno?: string;
  /** True when the same call may succeed later without a change. Default false. */
  readonly retryable?: boolean;
  /** How long a server asked to be left alone. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * Base of every error that tranship throws on purpose. `code` is the cause, `what` failed, at `where`; `advice` tells
 * the reader what to do; `errno` is the system's name where a system call failed; `retryable` is true when the same
 * call may succeed later without a change, after `retryAfterMs` where a server said so; `cause` is the original
 * error.
 *
 * @example
 * try {
 *   await findSnapshot(repository, '0000');
 * } catch (error) {
 *   if (!(error instanceof TranshipError) || error.code !== 'not-found') throw error;
 * }
 */
export class TranshipError extends Error {
  readonly code: ErrorCode;
  readonly what: string;
  readonly where: string | undefined;
  readonly advice: string | undefined;
  readonly errno: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, what: string, details: ErrorDetails = {}) {
    const place = details.where === undefined ? '' : `: ${details.where}`;
    const advice = details.advice === undefined ? '' : ` (${details.advice})`;
    super(`${what}${place}${advice}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.what = what;
    this.where = details.where;
    this.advice = details.advice;
    this.errno = details.errno;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/**
 * An object store refused or failed an operation; `where` is the object key or the store's URL. What a driver throws.
 *
 * @example
 * const error = new StoreError('throttled', 'the server is busy', { where: 'data/00', retryable: true });
 */
export class StoreError extends TranshipError {}

/** What a DiskError carries besides. */
export interface DiskErrorDetails extends ErrorDetails {
  /** The permission that the call wants, as its cloud writes it in policies: `ec2:CreateSnapshot`. */
  readonly action?: string | undefined;
}

/**
 * A cloud refused or failed an operation on a disk or a snapshot of one; `where` is its full id, `action` the
 * permission that the call wants. `failed` means that the cloud took the order and the disk or snapshot itself ended
 * in failure; `refused` that the checks before it found what would not have worked.
 *
 * @example
 * const error = new DiskError('permission-denied', 'no snapshot may be made', {
 *   where: 'vol-0123456789abcdef0',
 *   action: 'ec2:CreateSnapshot',
 * });
 */
export class DiskError extends TranshipError {
  readonly action: string | undefined;

  constructor(code: ErrorCode, what: string, details: DiskErrorDetails = {}) {
    super(code, what, details);
    this.action = details.action;
  }
}

/**
 * The repository's contents or keys are not what they must be; `where` is a file name inside the repository.
 *
 * @example
 * await Repository.open(store, { password: 'a wrong one' }).catch((error: unknown) => {
 *   if (!(error instanceof RepositoryError) || error.code !== 'wrong-password') throw error;
 * });
 */
export class RepositoryError extends TranshipError {}

/**
 * The local file system (source or target of a pass) refused an operation; `where` is a path.
 *
 * @example
 * await verify(repository, { snapshot: 'latest', target: 'nowhere' }).catch((error: unknown) => {
 *   if (!(error instanceof FileSystemError)) throw error;
 *   console.error(error.errno, error.where);
 * });
 */
export class FileSystemError extends TranshipError {}

/**
 * The caller's input cannot be carried out; nothing was changed. Its code is `invalid-argument`.
 *
 * @example
 * await stage(repository, { paths: [] }).catch((error: unknown) => {
 *   if (!(error instanceof UsageError)) throw error;
 * });
 */
export class UsageError extends TranshipError {
  constructor(what: string, details: ErrorDetails = {}) {
    super('invalid-argument', what, details);
  }
}

/**
 * The caller's AbortSignal fired; `cause` is the signal's reason. Its code is `cancelled`.
 *
 * @example
 * await check(repository, { signal: AbortSignal.abort() }).catch((error: unknown) => {
 *   if (!(error instanceof CancelledError)) throw error;
 * });
 */
export class CancelledError extends TranshipError {
  constructor(cause?: unknown) {
    super('cancelled', 'cancelled', cause === undefined ? {} : { cause });
  }
}

/** What a fired signal means: the error it was fired with (a lost lock, say), or CancelledError. */
export function abortError(signal: AbortSignal): TranshipError {
  return signal.reason instanceof TranshipError ? signal.reason : new CancelledError(signal.reason);
}

/** Throws {@link abortError} when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal);
}

/** What was thrown, as an Error: anything can be thrown, and a promise's rejection has no type. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/**
 * One line for a person, whatever was thrown; control characters are escaped so that names cannot forge output.
 *
 * @example
 * await findSnapshot(repository, '0000').catch((error: unknown) => console.error(describeError(error)));
 */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // oxlint-disable-next-line no-control-regex -- matching control characters is the point
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
