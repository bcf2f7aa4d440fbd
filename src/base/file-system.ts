/**
 * The one door to file trees, source or target. Every call takes a directory descriptor and one name of any
 * bytes, or a descriptor alone: no path is ever joined, no symbolic link followed but in the user's own root
 * path, so that neither a hostile tree nor a racing writer gets a call outside the root. Calls are
 * synchronous, retried when interrupted, and fail with FileSystemError, whose `errno` is the system's. They
 * work in worker threads; descriptors are valid in all threads.
 */
export { userName, groupName } from './account-names.ts';
export { bytesOf, printableName } from './byte-name.ts';
export type { Latin1Name } from './byte-name.ts';
export { openDirectoryAt, openRoot, readDirectory, readNames } from './directory.ts';
export {
  makeDirectoryAt,
  makeHardLinkAt,
  makeNodeAt,
  makeSymlinkAt,
  readLinkAt,
  readLinkFd,
  removeAt,
  renameAt,
} from './directory-change.ts';
export {
  listExtendedAttributes,
  listExtendedAttributesAt,
  removeExtendedAttribute,
  setExtendedAttribute,
} from './extended-attributes.ts';
export type { FileAttribute } from './extended-attributes.ts';
export { FileStatus, makeDeviceId, statAt, statAtIfPresent, statFd } from './file-status.ts';
export type { FileType } from './file-status.ts';
export { contentBytes, dataRanges, nextData, nextHole, preallocate, punchHole } from './holes.ts';
export { setOwner, setPermissions, setTimes, setTimesByParts } from './inode-metadata.ts';
export type { TimeParts } from './inode-metadata.ts';
export {
  advise,
  close,
  createFileAt,
  openDeviceForUpdateAt,
  openFileAt,
  openFileForUpdateAt,
  openPathAt,
  readAt,
  readOnceAt,
  startWriting,
  synchronise,
  synchroniseFileSystem,
  truncate,
  writeAt,
} from './open-file.ts';
