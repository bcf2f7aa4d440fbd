import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import type { ListMultipartUploadsCommandOutput, MultipartUpload as S3Upload } from '@aws-sdk/client-s3';
import type { Clock } from '../../../base/clock.ts';
import { CancelledError, StoreError, describeError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import type { S3Requests } from './requests.ts';

/** A younger upload may have a writer. Servers refuse requests of machines whose clocks are wrong by a day. */
const AGE_MS = 24 * 60 * 60_000;
/** Packs as every program of this format names them; other keys may be anybody's. */
const PACK = /^data\/[0-9a-f]{2}\/[0-9a-f]{64}$/;

export interface UploadSweepOptions {
  /** The store's in its bucket; empty for the whole. */
  readonly prefix: string;
  readonly clock: Clock;
  /** Told what could not be swept. */
  readonly logger: Logger;
}

/**
 * Aborts uploads in parts that killed writers of packs left below the prefix, where they are older than a day: nobody
 * sees them, and they are paid for. Runs in the background, once a driver, beginning with the first upload in parts:
 * whoever makes none has none to leave.
 */
export class UploadSweep {
  readonly #requests: S3Requests;
  readonly #options: UploadSweepOptions;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor(requests: S3Requests, options: UploadSweepOptions) {
    this.#requests = requests;
    this.#options = options;
  }

  begin(): void {
    this.#running ??= this.#sweep().catch((error: unknown) => {
      if (error instanceof CancelledError) return;
      const reason = describeError(error);
      this.#options.logger.warn(`unfinished uploads of earlier runs could not be looked for: ${reason}`);
    });
  }

  /** Ends it; may be called twice. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #sweep(): Promise<void> {
    const begunBeforeMs = this.#options.clock.nowMs() - AGE_MS;
    for await (const { Key: key = '', UploadId, Initiated } of this.#list()) {
      const begunMs = Initiated?.getTime() ?? Number.POSITIVE_INFINITY;
      if (this.#isOurs(key) && begunMs < begunBeforeMs) await this.#abort(key, UploadId);
    }
  }

  async *#list(): AsyncGenerator<S3Upload, void, undefined> {
    const where = this.#inStore('data/');
    let at: Marker | undefined = {};
    while (at !== undefined) {
      const command = new ListMultipartUploadsCommand({
        Bucket: this.#requests.bucket,
        Prefix: where,
        ...at,
      });
      const signal = this.#closing.signal;
      const page: ListMultipartUploadsCommandOutput = await this.#requests.send(command, { where, signal });
      yield* page.Uploads ?? [];
      at = markerAfter(page, at);
    }
  }

  async #abort(key: string, uploadId: string | undefined): Promise<void> {
    const command = new AbortMultipartUploadCommand({
      Bucket: this.#requests.bucket,
      Key: key,
      UploadId: uploadId,
    });
    try {
      await this.#requests.send(command, { where: key, signal: this.#closing.signal });
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'not-found') throw error;
    }
  }

  #isOurs(key: string): boolean {
    const start = this.#inStore('');
    return key.startsWith(start) && PACK.test(key.slice(start.length));
  }

  #inStore(key: string): string {
    return this.#options.prefix === '' ? key : `${this.#options.prefix}/${key}`;
  }
}

/** Where a page begins: behind an upload, of which one key may have many. */
interface Marker {
  readonly KeyMarker?: string;
  readonly UploadIdMarker?: string;
}

/** Undefined after the last page, and where a server gives the same one again and again. */
function markerAfter(page: ListMultipartUploadsCommandOutput, before: Marker): Marker | undefined {
  const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
  if (IsTruncated !== true || KeyMarker === undefined) return undefined;
  if (KeyMarker === before.KeyMarker && UploadIdMarker === before.UploadIdMarker) return undefined;
  return { KeyMarker, ...(UploadIdMarker === undefined ? {} : { UploadIdMarker }) };
}
