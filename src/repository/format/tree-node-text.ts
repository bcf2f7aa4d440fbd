import { bufferView } from './buffer-view.ts';
import { RepositoryError } from '../../base/errors.ts';
import { escapeJson, jsonString, jsonStringOfBytes, jsonValue } from './go-json.ts';
import { quoteName } from './go-quote.ts';
import { nameFault } from './node-name.ts';
import { isId } from './strict-json.ts';
import type { ExtendedAttribute, TreeNode } from './tree-node.ts';

/**
 * The JSON of one node, byte for byte as restic writes it: fields in restic's order, empty ones left out.
 * Throws RepositoryError `invalid-argument` on a node that {@link decodeNode} would refuse.
 */
export function nodeText(node: TreeNode): string {
  assertValid(node);
  const { inode, deviceId, device, size, links } = node;
  let text = `{"name":"${escapeJson(quoteName(node.name))}","type":"${node.type}"`;
  if (node.mode !== 0) text += `,"mode":${node.mode}`;
  text += `,"mtime":${jsonString(node.mtime)},"atime":${jsonString(node.atime)},"ctime":${jsonString(node.ctime)}`;
  text += `,"uid":${node.uid},"gid":${node.gid}`;
  text += stringMember('user', node.user) + stringMember('group', node.group);
  if (inode !== undefined && inode !== 0n) text += `,"inode":${inode}`;
  if (deviceId !== undefined && deviceId !== 0n) text += `,"device_id":${deviceId}`;
  if (size !== undefined && size !== 0) text += `,"size":${size}`;
  if (links !== undefined && links !== 0) text += `,"links":${links}`;
  if (node.linkTarget !== undefined) text += linkTargetText(node.linkTarget);
  if (node.extendedAttributes !== undefined) text += extendedAttributesText(node.extendedAttributes);
  if (node.genericAttributes !== undefined) text += genericAttributesText(node.genericAttributes);
  if (device !== undefined && device !== 0n) text += `,"device":${device}`;
  text += contentText(node.content);
  if (node.subtree !== undefined) text += `,"subtree":"${node.subtree}"`;
  return `${text}${stringMember('error', node.error)}}`;
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

function extendedAttributesText(attributes: readonly ExtendedAttribute[]): string {
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
