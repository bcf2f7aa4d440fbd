import { StoreError, UsageError, throwIfAborted } from '../../../base/errors.ts';
import type { AbortableOptions, MultipartUpload, PutOptions } from '../driver.ts';
import type { Folders } from './folders.ts';
import { localError } from './local-error.ts';
import { readPieces } from './reading.ts';
import { StagedFile } from './staged-file.ts';

interface Part {
  readonly file: StagedFile;
  readonly sizeBytes: number;
}

/**
 * An upload in parts to a folder: each part is a temporary file, completion copies them into the object in order.
 * Every byte is written twice, since the sizes of parts before one are unknown when it comes.
 */
export class LocalMultipart implements MultipartUpload {
  readonly #key: string;
  readonly #finalPath: string;
  readonly #folders: Folders;
  readonly #options: PutOptions;
  readonly #parts = new Map<number, Part>();
  #ended = false;

  constructor(key: string, finalPath: string, folders: Folders, options: PutOptions) {
    this.#key = key;
    this.#finalPath = finalPath;
    this.#folders = folders;
    this.#options = options;
  }

  async putPart(partNumber: number, body: Uint8Array, options: AbortableOptions = {}): Promise<void> {
    throwIfAborted(options.signal);
    this.#checkOpen();
    try {
      const file = await this.#writePart(body, options.signal);
      const replaced = this.#parts.get(partNumber);
      this.#parts.set(partNumber, { file, sizeBytes: body.byteLength });
      await replaced?.file.discard();
    } catch (error) {
      throw localError(error, 'put part', this.#key);
    }
  }

  async complete(options: AbortableOptions = {}): Promise<void> {
    throwIfAborted(options.signal);
    this.#checkOpen();
    if (this.#parts.size === 0) throw new UsageError('a multipart upload needs a part', { where: this.#key });
    try {
      await this.#publish(options.signal);
    } catch (error) {
      throw localError(error, 'complete multipart', this.#key);
    }
    await this.abort();
  }

  async abort(): Promise<void> {
    this.#ended = true;
    const parts = [...this.#parts.values()];
    this.#parts.clear();
    for (const { file } of parts) await file.discard();
  }

  async #writePart(body: Uint8Array, signal: AbortSignal | undefined): Promise<StagedFile> {
    const file = await StagedFile.create(this.#finalPath, this.#folders);
    try {
      if (body.byteLength > 0) await file.write([body], signal);
      await file.finish();
      // The upload may have been aborted while this part was being written.
      this.#checkOpen();
      return file;
    } catch (error) {
      await file.discard();
      throw error;
    }
  }

  async #publish(signal: AbortSignal | undefined): Promise<void> {
    const object = await StagedFile.create(this.#finalPath, this.#folders);
    try {
      const inOrder = [...this.#parts].sort(([a], [b]) => a - b).map(([, part]) => part);
      let sizeBytes = 0;
      for (const part of inOrder) {
        for await (const piece of readPieces(part.file.path, { signal })) await object.write([piece], signal);
        sizeBytes += part.sizeBytes;
      }
      await object.publish(this.#options.mode ?? 'overwrite', sizeBytes, signal);
    } catch (error) {
      await object.discard();
      throw error;
    }
  }

  #checkOpen(): void {
    if (this.#ended)
      throw new StoreError('not-found', 'the multipart upload has ended', { where: this.#key });
  }
}
