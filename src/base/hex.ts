/** Lower-case hex of the bytes. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Bytes of a hex string; the string must hold only pairs of hex digits. */
export function fromHex(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}
