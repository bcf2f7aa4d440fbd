import { printableName } from '../base/byte-name.ts';
import { parseTimestamp } from '../repository/format/timestamp.ts';
import type { TreeNode } from '../repository/format/tree-node.ts';
import { formatBytes } from './byte-size.ts';
import { fileModeText } from './file-mode-text.ts';
import { formatLocalTime } from './local-time.ts';

/** Mode, owner, size, time, path and link target of a node: a line of a long listing. */
export function longLine(path: Uint8Array, node: TreeNode, humanReadable = false): string {
  const time = formatLocalTime(Number(parseTimestamp(node.mtime) / 1_000_000n));
  const column = (value: string | number, width: number): string => String(value).padStart(width);
  const link = node.linkTarget === undefined ? '' : ` -> ${printableName(node.linkTarget)}`;
  const owner = `${column(node.uid, 5)} ${column(node.gid, 5)}`;
  const size = node.size ?? 0;
  const sizeText = column(humanReadable ? formatBytes(size) : size, 12);
  return `${fileModeText(node.mode)} ${owner} ${sizeText} ${time} ${printableName(path)}${link}`;
}
