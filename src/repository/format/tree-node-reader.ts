import { unquoteName } from './go-quote.ts';
import { maximumJsonDepth } from './go-json.ts';
import { nameFault } from './node-name.ts';
import {
  arrayOrEmpty,
  asObject,
  assertDepth,
  base64Bytes,
  corrupt,
  maximumUint32,
  nullObject,
  optionalId,
  optionalString,
  requiredId,
  requiredString,
  unsigned,
} from './strict-json.ts';
import type { JsonObject } from './strict-json.ts';
import { isTimestamp, zeroTimestamp } from './timestamp.ts';
import type { ExtendedAttribute, NodeType, TreeNode } from './tree-node.ts';

/**
 * Builds a node from its parsed JSON. Every field of the result is an own property, so that all nodes have one shape.
 * What Go reads as a zero value (absent, null) is taken as one; anything of another type, a name that is not one path
 * component, and content or children on a node that has none throw RepositoryError `corrupt`.
 * A directory may lack its subtree (repaired repositories have such): callers must report it.
 */
export function decodeNode(value: unknown, where: string): TreeNode {
  const json = asObject(value, 'tree node', where);
  const type = nodeType(json['type'], where);
  const mtime = timestamp(json['mtime'], where);
  return {
    name: nodeName(json['name'], where),
    type,
    mode: unsigned(json['mode'], maximumUint32, 'node mode', where),
    mtime,
    // Tools that keep no access time store the modification time again.
    atime: json['atime'] === mtime ? mtime : timestamp(json['atime'], where),
    ctime: json['ctime'] === mtime ? mtime : timestamp(json['ctime'], where),
    uid: unsigned(json['uid'], maximumUint32, 'node uid', where),
    gid: unsigned(json['gid'], maximumUint32, 'node gid', where),
    user: optionalString(json['user'], 'node user', where),
    group: optionalString(json['group'], 'node group', where),
    inode: uint64(json['inode'], 'node inode', where),
    deviceId: uint64(json['device_id'], 'node device_id', where),
    size: fileSize(json['size'], type, where),
    links: unsigned(json['links'], Number.MAX_SAFE_INTEGER, 'node links', where) || undefined,
    linkTarget: linkTarget(json, where),
    extendedAttributes: extendedAttributes(json['extended_attributes'], where),
    genericAttributes: genericAttributes(json['generic_attributes'], where),
    device: uint64(json['device'], 'node device', where),
    content: content(json['content'], type, where),
    subtree: subtree(json['subtree'], type, where),
    error: optionalString(json['error'], 'node error', where),
  };
}

const nodeTypes: Readonly<Record<NodeType, true>> = {
  file: true,
  dir: true,
  symlink: true,
  dev: true,
  chardev: true,
  fifo: true,
  socket: true,
  irregular: true,
};

function nodeType(value: unknown, where: string): NodeType {
  if (!isNodeType(value)) throw corrupt('node type is unknown', where);
  return value;
}

function isNodeType(value: unknown): value is NodeType {
  return typeof value === 'string' && Object.hasOwn(nodeTypes, value);
}

function nodeName(value: unknown, where: string): Uint8Array {
  const name = unquoteName(requiredString(value, 'node name', where), where);
  const fault = nameFault(name);
  if (fault !== undefined) throw corrupt(`tree node is refused, ${fault}`, where);
  return name;
}

function timestamp(value: unknown, where: string): string {
  if (value === undefined || value === null) return zeroTimestamp;
  if (typeof value !== 'string' || !isTimestamp(value)) throw corrupt('node time is not RFC 3339', where);
  return value;
}

const maximumUint64 = 0xffff_ffff_ffff_ffffn;
const digits = /^\d{1,20}$/;

/** The tree's text hands on as strings of digits what a double would round. */
function uint64(value: unknown, what: string, where: string): bigint | undefined {
  const isExact =
    typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && digits.test(value);
  if (value === undefined || value === null || value === 0) return undefined;
  const number = isExact && (typeof value === 'number' || typeof value === 'string') ? BigInt(value) : -1n;
  if (number < 0n || number > maximumUint64)
    throw corrupt(`${what} is not an unsigned 64-bit integer`, where);
  return number;
}

/** A file's size is a number even where it is 0, which the format leaves out; other nodes rarely have one. */
function fileSize(value: unknown, type: NodeType, where: string): number | undefined {
  const size = unsigned(value, Number.MAX_SAFE_INTEGER, 'node size', where);
  return size === 0 && type !== 'file' ? undefined : size;
}

function linkTarget(json: JsonObject, where: string): Uint8Array | undefined {
  const raw = base64Bytes(json['linktarget_raw'], 'node linktarget_raw', where);
  if (raw.length > 0) return raw;
  const text = optionalString(json['linktarget'], 'node linktarget', where);
  return text === undefined ? undefined : Buffer.from(text, 'utf8');
}

function extendedAttributes(value: unknown, where: string): readonly ExtendedAttribute[] | undefined {
  const items = arrayOrEmpty(value, 'node extended_attributes', where);
  if (items.length === 0) return undefined;
  return items.map((item) => {
    const attribute = asObject(item, 'extended attribute', where);
    return {
      name: requiredString(attribute['name'], 'extended attribute name', where),
      value: base64Bytes(attribute['value'], 'extended attribute value', where),
    };
  });
}

/** A copy without prototype; a rewrite writes the values again, so numbers that a double rounds are refused. */
function genericAttributes(value: unknown, where: string): Readonly<Record<string, unknown>> | undefined {
  if (value === undefined || value === null) return undefined;
  const attributes = asObject(value, 'node generic_attributes', where);
  const names = Object.keys(attributes);
  if (names.length === 0) return undefined;
  const copy = nullObject();
  for (const name of names) {
    assertDepth(attributes[name], where);
    assertExactNumbers(attributes[name], where, 0);
    copy[name] = attributes[name];
  }
  return copy;
}

function assertExactNumbers(value: unknown, where: string, depth: number): void {
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    throw corrupt('generic attribute holds a number that cannot be kept', where);
  }
  if (typeof value !== 'object' || value === null || depth > maximumJsonDepth) return;
  for (const item of Object.values(value)) assertExactNumbers(item, where, depth + 1);
}

function content(value: unknown, type: NodeType, where: string): readonly string[] | null {
  const ids = arrayOrEmpty(value, 'node content', where);
  if (type === 'file') return ids.map((id) => requiredId(id, 'node content', where));
  if (ids.length > 0) throw corrupt('node that is no file has content', where);
  return null;
}

function subtree(value: unknown, type: NodeType, where: string): string | undefined {
  const id = optionalId(value, 'node subtree', where);
  if (id !== undefined && type !== 'dir') throw corrupt('node that is no directory has a subtree', where);
  return id;
}
