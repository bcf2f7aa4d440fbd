import { StoreError, TranshipError } from '../../../base/errors.ts';
import type { ErrorCode } from '../../../base/errors.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly what: string;
  readonly advice?: string;
  readonly retryable?: boolean;
}

const NOT_FOUND: Meaning = { code: 'not-found', what: 'no such object' };
const DENIED: Meaning = {
  code: 'permission-denied',
  what: 'not allowed by the file system',
  advice: "check the owner and mode of the repository's folders",
};
const FULL: Meaning = {
  code: 'no-space',
  what: 'no space left for the object',
  advice: 'free space or quota',
};
const BUSY: Meaning = {
  code: 'unavailable',
  what: 'the system is short of files or memory',
  advice: 'raise the limit of open files',
  retryable: true,
};
const CLASH: Meaning = {
  code: 'unsupported',
  what: 'a folder and an object would have the same path',
  advice: 'a local store cannot hold an object below the key of another one',
};
const TOO_LONG: Meaning = { code: 'invalid-argument', what: 'the path is too long for the file system' };

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOENT: NOT_FOUND,
  ENOTDIR: NOT_FOUND,
  ELOOP: NOT_FOUND,
  ENXIO: NOT_FOUND,
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: { ...DENIED, what: 'the file system is mounted read-only', advice: 'mount it for writing' },
  ENOSPC: FULL,
  EDQUOT: FULL,
  EFBIG: { ...FULL, what: 'the object is larger than the file system or its limits allow' },
  EEXIST: { code: 'already-exists', what: 'the object exists already' },
  EMFILE: BUSY,
  ENFILE: BUSY,
  ENOMEM: BUSY,
  EAGAIN: BUSY,
  EINTR: BUSY,
  EBUSY: BUSY,
  // A network file system whose server went away or forgot a handle.
  ESTALE: { code: 'unavailable', what: 'the file server no longer knows the file', retryable: true },
  ETIMEDOUT: { code: 'timeout', what: 'the file server did not answer', retryable: true },
  EISDIR: CLASH,
  ENOTEMPTY: CLASH,
  ENAMETOOLONG: TOO_LONG,
};

/** A StoreError for what the file system threw; errors that are tranship's already are passed on. */
export function localError(error: unknown, action: string, where: string): TranshipError {
  if (error instanceof TranshipError) return error;
  const systemCode = systemCodeOf(error);
  const meaning = meaningOf(systemCode, action) ?? {
    code: 'io',
    what: 'the file system failed',
    advice: "look into the system's log, the disk may be failing",
  };
  const suffix = systemCode === undefined ? '' : `, ${systemCode}`;
  return new StoreError(meaning.code, `${meaning.what} (${action}${suffix})`, {
    where,
    cause: error,
    retryable: meaning.retryable ?? false,
    ...(meaning.advice === undefined ? {} : { advice: meaning.advice }),
  });
}

function meaningOf(systemCode: string | undefined, action: string): Meaning | undefined {
  // A put makes its folders, so this is a file where a folder ought to be.
  if (systemCode === 'ENOTDIR' && action.startsWith('put')) return CLASH;
  return systemCode === undefined ? undefined : MEANINGS[systemCode];
}

/** Such as `ENOENT`; undefined for what no system call threw. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
