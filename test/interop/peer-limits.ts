/** What each peer is known not to keep, so that everything else can be compared. */
import { isUtf8 } from 'node:buffer';
import type { TreeAspect } from '../support/tree-compare.ts';
import { readTree } from '../support/tree-entry.ts';
import type { PeerProgramName } from './peer-program.ts';

/** Who wrote a snapshot or restores it. */
export type Program = PeerProgramName | 'tranship';

/**
 * Aspects in which a tree that went through these programs may differ. No peer makes holes as small as ours. rustic
 * keeps nothing of the folder that it was given but its name, and leaves a file of mode 0 as it made it: that mode is
 * left out of a tree node, by restic too. restic before 0.16 knows no link target that is not UTF-8, and sets the
 * attributes of a link on what the link points to.
 */
export function lostAspects(original: string, programs: readonly Program[]): TreeAspect[] {
  if (programs.every((program) => program === 'tranship')) return [];
  const lost: TreeAspect[] = ['allocation'];
  const entries = readTree(original);
  if (programs.includes('rustic')) {
    lost.push('root');
    if (entries.some(({ status }) => status.mode === 0)) lost.push('mode');
  }
  if (!programs.includes('restic-oldest')) return lost;
  const links = entries.filter(({ status }) => status.type === 'symlink');
  if (links.some(({ target }) => target !== undefined && !isUtf8(target))) lost.push('target');
  if (links.some(({ attributes }) => attributes.length > 0)) lost.push('attributes');
  return lost;
}
