/**
 * One entry of a directory as restic's format stores it. Values that a tool must hand on unchanged (times with their
 * zone, 64-bit numbers) keep a lossless form, so that decode and encode give the same bytes back.
 */
export type NodeType = 'file' | 'dir' | 'symlink' | 'dev' | 'chardev' | 'fifo' | 'socket' | 'irregular';

/** An extended attribute, an ACL or a label among them. */
export interface ExtendedAttribute {
  readonly name: string;
  readonly value: Uint8Array;
}

/** An entry of a folder: a file, a folder, a link or another node, with its metadata. */
export interface TreeNode {
  /** Raw bytes of the name as the file system has them. */
  readonly name: Uint8Array;
  readonly type: NodeType;
  /** Go os.FileMode: permission bits and type bits, unsigned 32 bits. */
  readonly mode: number;
  /** RFC 3339 text with nanoseconds, as in the tree: `2023-11-14T22:13:20.12Z`. */
  readonly mtime: string;
  readonly atime: string;
  readonly ctime: string;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly inode?: bigint | undefined;
  readonly deviceId?: bigint | undefined;
  /** Files only: bytes that were read. */
  readonly size?: number | undefined;
  readonly links?: number | undefined;
  /** Raw bytes of a symbolic link's target. */
  readonly linkTarget?: Uint8Array | undefined;
  readonly extendedAttributes?: readonly ExtendedAttribute[] | undefined;
  /** JSON values by attribute name (Windows), handed on unchanged. */
  readonly genericAttributes?: Readonly<Record<string, unknown>> | undefined;
  /** st_rdev of a device node. */
  readonly device?: bigint | undefined;
  /** Data blob ids (hex) of a file in order; null for every other type. */
  readonly content: readonly string[] | null;
  /** Tree blob id (hex) of a directory. */
  readonly subtree?: string | undefined;
  readonly error?: string | undefined;
}

export interface Tree {
  readonly nodes: readonly TreeNode[];
}
