import { bytesOf } from '../../base/file-system.ts';
import type { Latin1Name } from '../../base/file-system.ts';
import type { ComparedFolder } from '../pipeline/folder-comparison.ts';
import type { Exclusion } from '../source/exclusion.ts';
import { childPath } from './tree-frame.ts';
import type { Frame } from './tree-frame.ts';

/** What can be told before an entry is looked at: an excluded file that cannot be read is no error. */
export function excludesName(exclusion: Exclusion, { path, leavesOut }: Frame, name: Latin1Name): boolean {
  return exclusion.excludesPath?.(childPath(path, name)) === true || leavesOut?.(bytesOf(name)) === true;
}

/** True when a file that a worker found to be as the parent has it is left out now, and was not then. */
export function excludesKept(exclusion: Exclusion, frame: Frame, { sizes }: ComparedFolder): boolean {
  return frame.names.some((name, place) => {
    const sizeBytes = sizes[place] ?? -1;
    if (sizeBytes < 0) return false;
    return excludesName(exclusion, frame, name) || exclusion.excludesStatus({ type: 'file', sizeBytes });
  });
}
