import { lstatSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { resolve } from 'node:path';
import { FileSystemError, UsageError } from '../../base/errors.ts';
import { systemError } from '../../base/system-error.ts';
import { pathRoots, streamRoots } from '../source/source-roots.ts';
import type { SourceRoots } from '../source/source-roots.ts';
import type { StageOptions } from '../stage.ts';

type SourceOptions = Pick<StageOptions, 'paths' | 'stream' | 'workingFolder' | 'storeAs' | 'image'>;

/**
 * What the options of a pass name, looked at before anything is begun. Throws UsageError for options that contradict
 * each other, FileSystemError when nothing of what is named is there.
 */
export function checkedRoots(options: SourceOptions, timeNs: bigint): SourceRoots {
  const { stream, storeAs, image = false, workingFolder = process.cwd() } = options;
  const paths = (options.paths ?? []).map((path) => resolve(workingFolder, path));
  if (stream !== undefined) {
    if (paths.length === 0 && storeAs === undefined && !image) {
      return streamRoots({ kind: 'stream', ...stream, timeNs });
    }
    throw new UsageError('a stream is staged alone and has a name of its own', { where: stream.name });
  }
  if (storeAs !== undefined && paths.length !== 1) {
    throw new UsageError('only one path can be stored under another name', { where: storeAs });
  }
  if (image) for (const path of paths) checkImage(path);
  // A volume's path may be a link that the platform made; it is the volume that is stored, not the link.
  else refuseNothing(paths, storeAs !== undefined);
  return pathRoots({ paths, storeAs, image, timeNs });
}

function checkImage(path: string): void {
  const status = statusOf(path, true);
  if (status instanceof FileSystemError) throw status;
  if (status.isBlockDevice() || status.isFile()) return;
  throw new FileSystemError('unsupported', 'neither a block device nor a file: it has no image', {
    where: path,
  });
}

function refuseNothing(paths: readonly string[], followsLinks: boolean): void {
  const found = paths.map((path) => statusOf(path, followsLinks));
  const problems = found.filter((status) => status instanceof FileSystemError);
  const [problem] = problems;
  if (problem === undefined || problems.length < found.length) return;
  if (problem.code !== 'not-found') throw problem;
  throw new FileSystemError('not-found', 'there is nothing to stage', {
    where: paths.join(', '),
    cause: problem,
  });
}

/** What stands at the path, or why nothing can be said of it. */
function statusOf(path: string, followsLinks: boolean): Stats | FileSystemError {
  try {
    return followsLinks ? statSync(path) : lstatSync(path);
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? error.errno : undefined;
    if (typeof errno !== 'number') throw error;
    return systemError(-errno, 'look at the source', path);
  }
}
