import { printableName, terminated } from './byte-name.ts';
import { linux } from './linux-calls.ts';
import { ERRNO, descriptorError, descriptorPath, uninterrupted } from './system-call.ts';

/**
 * One attribute as the kernel has it; ACLs appear as `system.posix_acl_access` and `system.posix_acl_default`.
 */
export interface FileAttribute {
  /** Bytes of the full name with its namespace, such as `user.comment`. */
  readonly name: Buffer;
  readonly value: Buffer;
}

/**
 * XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h: nothing longer can be read, so no call has to be
 * repeated.
 */
const MAX_BYTES = 65_536;
const NONE: readonly FileAttribute[] = Object.freeze([]);

let listBuffer: Buffer | undefined;
let valueBuffer: Buffer | undefined;

/**
 * Calls with the descriptor, or with its path in /proc where it is one of O_PATH, which the f*xattr calls
 * refuse.
 */
function onDescriptor(fd: number, byFd: () => number, byPath: (path: Uint8Array) => number): number {
  const result = uninterrupted(byFd);
  if (result !== -1 || linux().errno() !== ERRNO.EBADF) return result;
  const path = descriptorPath(fd);
  return uninterrupted(() => byPath(path));
}

function readValue(fd: number, name: Uint8Array): Buffer | undefined {
  const { fgetxattr, getxattr, errno } = linux();
  valueBuffer ??= Buffer.allocUnsafeSlow(MAX_BYTES);
  const buffer = valueBuffer;
  const count = onDescriptor(
    fd,
    () => fgetxattr(fd, name, buffer, MAX_BYTES),
    (path) => getxattr(path, name, buffer, MAX_BYTES),
  );
  if (count !== -1) return Buffer.copyBytesFrom(buffer, 0, count);
  // Removed since it was listed, or listed by a file system that does not hand it out.
  if (errno() === ERRNO.ENODATA || errno() === ERRNO.ENOTSUP) return undefined;
  throw descriptorError(`read the extended attribute ${printableName(name.subarray(0, -1))}`, fd);
}

/**
 * All extended attributes that the caller may see, in the kernel's order; empty where the file system has
 * none. The descriptor may be of any type, O_PATH and symbolic links included (those carry trusted.* and
 * security.* only). One system call when there are none. Throws FileSystemError.
 */
export function listExtendedAttributes(fd: number): readonly FileAttribute[] {
  const { flistxattr, listxattr, errno } = linux();
  listBuffer ??= Buffer.allocUnsafeSlow(MAX_BYTES);
  const buffer = listBuffer;
  const count = onDescriptor(
    fd,
    () => flistxattr(fd, buffer, MAX_BYTES),
    (path) => listxattr(path, buffer, MAX_BYTES),
  );
  if (count === 0) return NONE;
  if (count === -1) {
    if (errno() === ERRNO.ENOTSUP) return NONE;
    throw descriptorError('list the extended attributes', fd);
  }
  const attributes: FileAttribute[] = [];
  for (let start = 0; start < count;) {
    const end = buffer.indexOf(0, start);
    const terminatedName = Buffer.copyBytesFrom(buffer, start, end + 1 - start);
    const value = readValue(fd, terminatedName);
    if (value !== undefined) attributes.push({ name: terminatedName.subarray(0, -1), value });
    start = end + 1;
  }
  return attributes;
}

/**
 * Creates or replaces an attribute; code 'unsupported' where the file system or the type of file takes none.
 */
export function setExtendedAttribute(fd: number, name: Uint8Array | string, value: Uint8Array): void {
  const { fsetxattr, setxattr } = linux();
  const argument = terminated(name);
  const result = onDescriptor(
    fd,
    () => fsetxattr(fd, argument, value, value.length, 0),
    (path) => setxattr(path, argument, value, value.length, 0),
  );
  if (result === -1) {
    throw descriptorError(`set the extended attribute ${printableName(argument.subarray(0, -1))}`, fd);
  }
}

/** Removes an attribute; code 'not-found' when it is not there. */
export function removeExtendedAttribute(fd: number, name: Uint8Array | string): void {
  const { fremovexattr, removexattr } = linux();
  const argument = terminated(name);
  const result = onDescriptor(
    fd,
    () => fremovexattr(fd, argument),
    (path) => removexattr(path, argument),
  );
  if (result === -1) {
    throw descriptorError(`remove the extended attribute ${printableName(argument.subarray(0, -1))}`, fd);
  }
}
