import type { NodeType } from './tree-node.ts';

/** Bits of Go's os.FileMode (package io/fs), unsigned 32 bits. */
export const goMode = {
  directory: 0x8000_0000,
  symlink: 0x0800_0000,
  device: 0x0400_0000,
  namedPipe: 0x0200_0000,
  socket: 0x0100_0000,
  setuid: 0x0080_0000,
  setgid: 0x0040_0000,
  characterDevice: 0x0020_0000,
  sticky: 0x0010_0000,
  irregular: 0x0008_0000,
} as const;

/** Unix's own bits above the nine permission bits. */
export const unixMode = { setuid: 0o4000, setgid: 0o2000, sticky: 0o1000, permissions: 0o777 } as const;

const typeBits: Readonly<Record<NodeType, number>> = {
  file: 0,
  dir: goMode.directory,
  symlink: goMode.symlink,
  dev: goMode.device,
  chardev: goMode.device + goMode.characterDevice,
  fifo: goMode.namedPipe,
  socket: goMode.socket,
  irregular: goMode.irregular,
};

/** Go's os.FileMode of a node, from its type and the low 12 bits of st_mode (others are ignored). */
export function goModeOf(type: NodeType, mode: number): number {
  let bits = typeBits[type] + (mode & unixMode.permissions);
  if ((mode & unixMode.setuid) !== 0) bits += goMode.setuid;
  if ((mode & unixMode.setgid) !== 0) bits += goMode.setgid;
  if ((mode & unixMode.sticky) !== 0) bits += goMode.sticky;
  return bits;
}

/** The low 12 bits of st_mode (permissions, setuid, setgid, sticky) that an os.FileMode stands for. */
export function unixPermissionsOf(mode: number): number {
  let bits = mode & unixMode.permissions;
  if ((mode & goMode.setuid) !== 0) bits |= unixMode.setuid;
  if ((mode & goMode.setgid) !== 0) bits |= unixMode.setgid;
  if ((mode & goMode.sticky) !== 0) bits |= unixMode.sticky;
  return bits;
}
