/**
 * What a walk leaves out, asked in restic's order: by path, before anything is opened, so that an excluded file that
 * cannot be read is no error; by status; and by a tag file in a directory. A path that the user named as a source is
 * never asked about, only what is below it.
 */
import { FileSystemError, UsageError } from '../../base/errors.ts';
import { close, openFileAt, readAt, statAtIfPresent, statFd } from '../../base/file-system.ts';
import type { FileType } from '../../base/file-status.ts';
import type { PatternList } from './patterns.ts';

/** What a stage pass asks of each entry that it meets. */
export interface Exclusion {
  /**
   * Whether the entry is left out with all below it. `path` must be absolute and is never a named source. Where there
   * is no such function no path is left out, and none is made.
   */
  readonly excludesPath?: ((path: Uint8Array) => boolean) | undefined;
  /** Whether the entry is left out for what it is. */
  excludesStatus(status: { readonly type: FileType; readonly sizeBytes: number }): boolean;
  /**
   * Looks for tag files in an open directory, once for each directory, named sources included. In a tagged directory
   * the result tells which names are left out: all but the tag file itself, so that a restored tree is tagged again.
   */
  taggedContents(directoryFd: number): ((name: Uint8Array) => boolean) | undefined;
}

/** What is left out. */
export interface ExclusionOptions {
  readonly patterns?: PatternList | undefined;
  /** `FILE` or `FILE:HEADER`: leaves out what stands beside a file of that name that begins with HEADER. */
  readonly ifPresent?: readonly string[] | undefined;
  /** Leaves out the contents of directories with a valid CACHEDIR.TAG. Default false. */
  readonly caches?: boolean | undefined;
  /** Leaves out everything but directories that is larger. Default: no limit. */
  readonly largerThanBytes?: number | undefined;
  /** Told of a tag file that could not be read or has another header; its directory is then not left out. */
  readonly onWarning?: ((problem: FileSystemError) => void) | undefined;
}

interface Tag {
  readonly name: Buffer;
  readonly header: Buffer;
}

/** The Cache Directory Tagging Specification, https://bford.info/cachedir/. */
const CACHE_TAG: Tag = {
  name: Buffer.from('CACHEDIR.TAG'),
  header: Buffer.from('Signature: 8a477f597d28d172789f06886806bc55'),
};

/**
 * What a stage pass leaves out. Throws UsageError when an `ifPresent` names no file of the directory itself.
 *
 * @example
 * const exclusion = createExclusion({ patterns: compilePatterns(['*.tmp']), caches: true });
 * await stage(repository, { paths: ['volume'], storeAs: '/data', exclusion });
 */
export function createExclusion(options: ExclusionOptions = {}): Exclusion {
  const { patterns, largerThanBytes, onWarning } = options;
  const tags = (options.ifPresent ?? []).map(parseTag);
  if (options.caches === true) tags.push(CACHE_TAG);
  return {
    excludesPath: patterns === undefined || patterns.isEmpty ? undefined : (path) => patterns.matches(path),
    excludesStatus: (status) =>
      largerThanBytes !== undefined && status.type !== 'directory' && status.sizeBytes > largerThanBytes,
    taggedContents: (directoryFd) => {
      const present = tags.filter((tag) => isTagged(directoryFd, tag, onWarning));
      if (present.length === 0) return undefined;
      return (name) => present.some((tag) => !tag.name.equals(name));
    },
  };
}

/**
 * Bytes of a size as restic writes it: digits and an optional `b`, `k`, `m`, `g` or `t` (powers of 1,024), in any case.
 */
export function parseSizeBytes(text: string): number {
  const [, digits, unit] = /^(\d+)([bkmgt]?)$/i.exec(text) ?? [];
  const exponent = ['', 'k', 'm', 'g', 't'].indexOf((unit ?? '').toLowerCase().replace('b', ''));
  const size = Number(digits) * 1024 ** exponent;
  if (!Number.isSafeInteger(size)) {
    throw new UsageError('not a size', {
      where: JSON.stringify(text),
      advice: 'write a number such as 500k or 2G',
    });
  }
  return size;
}

function parseTag(spec: string): Tag {
  const colon = spec.indexOf(':');
  const name = colon === -1 ? spec : spec.slice(0, colon);
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new UsageError('not a name of a tag file', {
      where: JSON.stringify(spec),
      advice: 'write FILE or FILE:HEADER, where FILE is a name without a slash',
    });
  }
  return { name: Buffer.from(name), header: Buffer.from(colon === -1 ? '' : spec.slice(colon + 1)) };
}

function isTagged(directoryFd: number, tag: Tag, onWarning: ExclusionOptions['onWarning']): boolean {
  try {
    if (statAtIfPresent(directoryFd, tag.name) === undefined) return false;
    if (tag.header.length === 0) return true;
    if (readHeader(directoryFd, tag).equals(tag.header)) return true;
    onWarning?.(
      new FileSystemError('invalid-argument', 'tag file without the expected header', {
        where: tag.name.toString(),
        advice: 'its directory is not excluded',
      }),
    );
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
    onWarning?.(error);
  }
  return false;
}

/** Empty for anything but a regular file. */
function readHeader(directoryFd: number, tag: Tag): Buffer {
  const fd = openFileAt(directoryFd, tag.name);
  try {
    if (statFd(fd).type !== 'file') return Buffer.alloc(0);
    const header = Buffer.alloc(tag.header.length);
    return header.subarray(0, readAt(fd, header, 0));
  } finally {
    close(fd);
  }
}
