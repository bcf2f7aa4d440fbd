import { createRequire } from 'node:module';

import type { LibraryHandle } from 'koffi';

/** An address in native memory. */
export type NativePointer = bigint;

let library: LibraryHandle | undefined | null = null;

/**
 * The symbols that the running program itself exports (Node's binary brings OpenSSL and zstd along), or undefined where
 * koffi has no binary for this platform or native add-ons are switched off. Loaded once a thread.
 *
 * Arguments declared `void *` take any Uint8Array and pass the address of its first byte without a copy: views with an
 * offset, Buffers, views of WebAssembly memory and of SharedArrayBuffers alike. Nothing checks lengths on the way; the
 * caller must. Whether a symbol exists is a second question: some builds of Node lack it, and `func` then throws.
 */
export function openNodeLibrary(): LibraryHandle | undefined {
  if (library !== null) return library;
  try {
    // A static import would make the whole program fail on platforms that koffi does not know.
    // oxlint-disable-next-line typescript/no-unsafe-assignment -- require is untyped, koffi's declarations hold
    const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
    library = koffi.load(null);
  } catch {
    library = undefined;
  }
  return library;
}
