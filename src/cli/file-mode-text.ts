import { goMode } from '../repository/format/file-mode.ts';

/** Letters of Go's FileMode.String in its order; restic prints modes so. */
const letters: readonly (readonly [number, string])[] = [
  [goMode.directory, 'd'],
  [goMode.symlink, 'L'],
  [goMode.device, 'D'],
  [goMode.namedPipe, 'p'],
  [goMode.socket, 'S'],
  [goMode.setuid, 'u'],
  [goMode.setgid, 'g'],
  [goMode.characterDevice, 'c'],
  [goMode.sticky, 't'],
  [goMode.irregular, '?'],
];

/** `drwxr-xr-x` of an os.FileMode. */
export function fileModeText(mode: number): string {
  const type = letters.filter(([bit]) => Math.floor(mode / bit) % 2 === 1).map(([, letter]) => letter);
  const permissions = Array.from('rwxrwxrwx', (letter, index) => ((mode >>> (8 - index)) & 1 ? letter : '-'));
  return `${type.length === 0 ? '-' : type.join('')}${permissions.join('')}`;
}
