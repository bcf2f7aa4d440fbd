/**
 * Where things stand in a chunker's WASM memory. Compiled both by TypeScript and by AssemblyScript, so it holds
 * nothing but integer constants; `node scripts/build-wasm.ts` must run after a change.
 */

/** A window of this many bytes decides a cut, in both chunkers. */
export const hashWindowBytes = 64;

/** Table i of a kernel: 256 little-endian u64. Rabin: mod, out. Gear: the gear table. */
export const firstTableAddress = 0;
export const secondTableAddress = 2048;

/** File bytes start here; the pages below are the tables'. */
export const windowAddress = 65536;
