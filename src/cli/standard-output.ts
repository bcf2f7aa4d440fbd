import { createWriteStream } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/** Where results go; `isTTY` is true for a terminal. */
export type StandardOutput = Writable & { readonly isTTY?: boolean };

/**
 * Descriptor 1. To a file or a device Node's own stream writes synchronously: no signal would be heard meanwhile, and
 * what a full disk takes of a write would pass for all of it.
 */
export function standardOutput(): StandardOutput {
  if (process.stdout instanceof Socket) return process.stdout;
  return createWriteStream('', { fd: 1, autoClose: false });
}
