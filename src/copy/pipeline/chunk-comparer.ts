import { hash } from 'node:crypto';
import { chunkSizes } from '../../repository/chunker/chunker.ts';
import { readFully } from './file-window.ts';
import type { Jobs } from './protocol.ts';

/** Compares the bytes of files with the ids of the chunks they should hold; nothing is fetched from the repository. */
export class ChunkComparer {
  #buffer = Buffer.alloc(0);

  compare(request: Jobs['compare-chunks']['request']): Jobs['compare-chunks']['response'] {
    const different: number[] = [];
    const source = { kind: 'file', fd: request.fd } as const;
    let position = request.position;
    for (const [index, chunk] of request.chunks.entries()) {
      const bytes = this.#room(chunk.lengthBytes);
      const got = readFully(source, bytes, position);
      if (got < bytes.length || hash('sha256', bytes, 'hex') !== chunk.id) different.push(index);
      position += chunk.lengthBytes;
    }
    return { different };
  }

  #room(lengthBytes: number): Uint8Array {
    if (this.#buffer.length < lengthBytes) {
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(lengthBytes, chunkSizes.maximumBytes));
    }
    return this.#buffer.subarray(0, lengthBytes);
  }
}
