import { bufferView } from './buffer-view.ts';
import { RepositoryError } from '../../base/errors.ts';
import { escapeJson, jsonString, jsonStringOfBytes, jsonValue } from './go-json.ts';
import { quoteName } from './go-quote.ts';
import { nameFault } from './node-name.ts';
import { isId } from './strict-json.ts';
import type { ExtendedAttribute, NodeType, TreeNode } from './tree-node.ts';

/** The first members of a node, which stat(2) tells. Texts are as they stand between the quotes of JSON. */
export interface NodeHead {
  readonly name: string;
  readonly type: NodeType;
  readonly mode: number;
  readonly mtime: string;
  readonly atime: string;
  readonly ctime: string;
  readonly uid: number;
  readonly gid: number;
  readonly user: string | undefined;
  readonly group: string | undefined;
  /** Decimal; `0` when there is none, as for the numbers below. */
  readonly inode: string;
  readonly deviceId: string;
  readonly size: number;
  readonly links: number;
}

/** What follows in the order of the format. */
export type NodeTail = Pick<
  TreeNode,
  'linkTarget' | 'extendedAttributes' | 'genericAttributes' | 'device' | 'content' | 'subtree' | 'error'
>;

/**
 * The JSON of one node, byte for byte as restic writes it: fields in restic's order, empty ones left out.
 * Throws RepositoryError `invalid-argument` on a node that {@link decodeNode} would refuse.
 */
export function nodeText(node: TreeNode): string {
  assertValid(node);
  return nodeHeadText(headOf(node)) + nodeTailText(node);
}

/** A node's text up to where {@link nodeTailText} goes on. */
export function nodeHeadText(head: NodeHead): string {
  const { inode, deviceId, size, links } = head;
  let text = `{"name":"${head.name}","type":"${head.type}"`;
  if (head.mode !== 0) text += `,"mode":${head.mode}`;
  text += `,"mtime":"${head.mtime}","atime":"${head.atime}","ctime":"${head.ctime}"`;
  text += ownerText(head.uid, head.gid, head.user, head.group);
  if (inode !== '0') text += `,"inode":${inode}`;
  if (deviceId !== '0') text += `,"device_id":${deviceId}`;
  if (size !== 0) text += `,"size":${size}`;
  if (links !== 0) text += `,"links":${links}`;
  return text;
}

/** The rest of a node's text, the closing brace included. */
export function nodeTailText(tail: NodeTail): string {
  const { device } = tail;
  let text = tail.linkTarget === undefined ? '' : linkTargetText(tail.linkTarget);
  if (tail.extendedAttributes !== undefined) text += extendedAttributesText(tail.extendedAttributes);
  if (tail.genericAttributes !== undefined) text += genericAttributesText(tail.genericAttributes);
  if (device !== undefined && device !== 0n) text += `,"device":${device}`;
  text += contentText(tail.content);
  if (tail.subtree !== undefined) text += `,"subtree":"${tail.subtree}"`;
  return `${text}${stringMember('error', tail.error)}}`;
}

/** A name as it stands in a node's head. */
export function nodeNameText(name: Uint8Array): string {
  return escapeJson(quoteName(name));
}

function headOf(node: TreeNode): NodeHead {
  return {
    name: nodeNameText(node.name),
    type: node.type,
    mode: node.mode,
    mtime: escapeJson(node.mtime),
    atime: escapeJson(node.atime),
    ctime: escapeJson(node.ctime),
    uid: node.uid,
    gid: node.gid,
    user: node.user,
    group: node.group,
    inode: String(node.inode ?? 0n),
    deviceId: String(node.deviceId ?? 0n),
    size: node.size ?? 0,
    links: node.links ?? 0,
  };
}

/** The last one: neighbours mostly have one owner. */
let owner = { uid: -1, gid: -1, user: '', group: '', text: '' };

function ownerText(uid: number, gid: number, user = '', group = ''): string {
  const isLast = owner.uid === uid && owner.gid === gid && owner.user === user && owner.group === group;
  if (!isLast) {
    const text = `,"uid":${uid},"gid":${gid}${stringMember('user', user)}${stringMember('group', group)}`;
    owner = { uid, gid, user, group, text };
  }
  return owner.text;
}

function stringMember(key: string, value: string | undefined): string {
  return value === undefined || value === '' ? '' : `,"${key}":${jsonString(value)}`;
}

/** The raw target goes along only where JSON text cannot hold it. */
function linkTargetText(target: Uint8Array): string {
  if (target.length === 0) return '';
  const text = `,"linktarget":${jsonStringOfBytes(target)}`;
  const buffer = bufferView(target);
  // Text with a replacement character is rare and may be valid; comparing the bytes tells.
  const decoded = buffer.toString('utf8');
  const isValid = !decoded.includes('\ufffd') || Buffer.from(decoded).equals(buffer);
  return isValid ? text : `${text},"linktarget_raw":"${buffer.toString('base64')}"`;
}

/** The member that holds attributes; nothing when there are none. */
export function extendedAttributesText(attributes: readonly ExtendedAttribute[]): string {
  if (attributes.length === 0) return '';
  const items = attributes.map(({ name, value }) => {
    const buffer = bufferView(value);
    return `{"name":${jsonString(name)},"value":"${buffer.toString('base64')}"}`;
  });
  return `,"extended_attributes":[${items.join(',')}]`;
}

function genericAttributesText(attributes: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(attributes);
  if (names.length === 0) return '';
  names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `,"generic_attributes":{${names.map((name) => `${jsonString(name)}:${jsonValue(attributes[name])}`).join(',')}}`;
}

function contentText(content: readonly string[] | null): string {
  if (content === null) return ',"content":null';
  return content.length === 0 ? ',"content":[]' : `,"content":["${content.join('","')}"]`;
}

function assertValid(node: TreeNode): void {
  const fault = nameFault(node.name) ?? numberFault(node) ?? idFault(node);
  if (fault !== undefined) {
    throw new RepositoryError('invalid-argument', `tree node cannot be stored, ${fault}`, {
      where: quoteName(node.name),
    });
  }
}

function numberFault(node: TreeNode): string | undefined {
  if (node.mode >>> 0 !== node.mode) return 'its mode is no unsigned 32-bit number';
  if (node.uid >>> 0 !== node.uid || node.gid >>> 0 !== node.gid)
    return 'its owner is no unsigned 32-bit number';
  if (!isCount(node.size)) return 'its size is no safe integer';
  if (!isCount(node.links)) return 'its link count is no safe integer';
  const isWide = isUint64(node.inode) && isUint64(node.deviceId) && isUint64(node.device);
  return isWide ? undefined : 'its inode or device is no unsigned 64-bit number';
}

function isCount(value: number | undefined): boolean {
  return value === undefined || (Number.isSafeInteger(value) && value >= 0);
}

function isUint64(value: bigint | undefined): boolean {
  return value === undefined || (value >= 0n && value <= 0xffff_ffff_ffff_ffffn);
}

function idFault(node: TreeNode): string | undefined {
  if (node.subtree !== undefined && (node.type !== 'dir' || !isId(node.subtree)))
    return 'its subtree is wrong';
  if ((node.content !== null) !== (node.type === 'file')) return 'only files have a content list';
  return node.content === null || node.content.every(isId) ? undefined : 'its content holds no blob ids';
}
