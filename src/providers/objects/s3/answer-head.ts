/** How far the head of an answer may reach; Node's own limit is the same. */
const MAX_HEAD_BYTES = 16 * 1024;
/** 200 and 206: what comes with them is the object. */
const BEGINNING = Buffer.from('HTTP/1.1 20');
const END = Buffer.from('\r\n\r\n');
/** RFC 9112, without what it only tolerates: folded lines, a bare line feed, no space behind the status. */
const PLAIN = /^HTTP\/1\.1 20[06] [^\r\n\0]*\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r\n)+\r\n$/;
const LENGTH = /\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n/i;

/** What the first bytes of an answer are: an object whose bytes are just counted, not all of a head yet, or else. */
export type AnswerHead = PlainHead | { readonly kind: 'unfinished' } | { readonly kind: 'other' };

interface PlainHead {
  readonly kind: 'plain';
  /** Of the head, its empty line included. */
  readonly headBytes: number;
  readonly bodyBytes: number;
  /** Where the digits of the body's length stand. */
  readonly digits: { readonly start: number; readonly end: number };
}

/** Reads the head at the beginning of `bytes`. Only what leaves no doubt is plain: anything else is `other`. */
export function readAnswerHead(bytes: Uint8Array): AnswerHead {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shared = Math.min(buffer.length, BEGINNING.length);
  if (!buffer.subarray(0, shared).equals(BEGINNING.subarray(0, shared))) return { kind: 'other' };
  const end = buffer.indexOf(END);
  if (end === -1) return buffer.length < MAX_HEAD_BYTES ? { kind: 'unfinished' } : { kind: 'other' };
  const headBytes = end + END.length;
  const head = buffer.toString('latin1', 0, headBytes);
  if (headBytes > MAX_HEAD_BYTES || !PLAIN.test(head)) return { kind: 'other' };
  return plainHead(head);
}

function plainHead(head: string): AnswerHead {
  const names = head.split('\r\n').map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
  const lengths = names.filter((name) => name === 'content-length').length;
  const found = LENGTH.exec(head);
  if (found?.[1] === undefined || lengths !== 1 || names.includes('transfer-encoding'))
    return { kind: 'other' };
  const start = found.index + found[0].indexOf(found[1]);
  const digits = { start, end: start + found[1].length };
  return { kind: 'plain', headBytes: head.length, bodyBytes: Number(found[1]), digits };
}
