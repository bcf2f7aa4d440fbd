import { randomBytes } from 'node:crypto';
import { StoreError, UsageError } from '../../../base/errors.ts';
import type { AbortableOptions, MultipartUpload, PutOptions, SendOptions } from '../driver.ts';
import { TEMPORARY_MARK } from '../object-key.ts';
import { BATCH_CALLS, deleteObjects } from './deletion.ts';
import { field, textOf } from '../../google/json-value.ts';
import { makeObject } from './new-object.ts';
import type { GcsRequests } from './requests.ts';
import { uploadObject } from './upload.ts';

/** Objects that one request can join. */
const MAX_SOURCES = 32;
/** An abort must get through when its caller has already been cancelled, but must not hold that caller for long. */
const ABORT_LIMIT_MS = 30_000;
/** Of deleting the parts of an object that is published: nobody repeats what has succeeded. */
const TIDY_ATTEMPTS = 2;

/** An object that is joined with others: exactly these bytes, whatever is put under its name later. */
interface Source {
  readonly name: string;
  readonly generation: string;
}

/**
 * An upload in parts that are objects of their own, `KEY-tmp-ID-NUMBER-tmp-part`, each confirmed by its MD5, and that
 * the server joins in the end (compose), 32 at a time. Unlike the multipart uploads of the XML API, which replace
 * whatever is there, joining has preconditions, so that `create` is atomic; unlike a resumable upload, whose bytes come
 * one after the other, parts come in any order and at once. Parts stay where a writer was killed, or where they could
 * not be deleted after the join: a rule of the bucket's life cycle can delete what ends in `-tmp-part`.
 */
export class GcsMultipartUpload implements MultipartUpload {
  readonly #requests: GcsRequests;
  readonly #key: string;
  readonly #options: PutOptions;
  readonly #id = randomBytes(8).toString('hex');
  readonly #parts = new Map<number, Source>();
  /** Names of all objects that may be there because of this upload. */
  readonly #names = new Set<string>();
  #named = 0;
  #state: 'open' | 'complete' | 'aborted' = 'open';

  constructor(requests: GcsRequests, key: string, options: PutOptions) {
    this.#requests = requests;
    this.#key = key;
    this.#options = options;
  }

  async putPart(partNumber: number, body: Uint8Array, options: SendOptions = {}): Promise<void> {
    // A name of its own for every attempt: one that was given up may still arrive, and must replace nothing.
    const name = this.#newName();
    const { signal, pace } = options;
    const generation = await uploadObject(this.#requests, {
      key: name,
      body,
      mode: 'overwrite',
      signal,
      pace,
    });
    this.#parts.set(partNumber, { name, generation });
  }

  async complete(options: AbortableOptions = {}): Promise<void> {
    const { signal } = options;
    if (this.#state === 'aborted') {
      throw new StoreError('not-found', 'the upload was aborted', { where: this.#key });
    }
    if (this.#parts.size === 0) throw new UsageError('an upload in parts needs a part', { where: this.#key });
    if (this.#state === 'open') await this.#join(signal);
    this.#state = 'complete';
    await this.#tidy();
  }

  async abort(): Promise<void> {
    if (this.#state === 'open') this.#state = 'aborted';
    await this.#deleteParts();
  }

  async #join(signal: AbortSignal | undefined): Promise<void> {
    const isCreate = this.#options.mode === 'create';
    let sources = [...this.#parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    try {
      if (isCreate) await this.#refuseExisting(signal);
      while (sources.length > MAX_SOURCES) sources = await this.#joinGroups(sources, signal);
      await this.#compose(this.#key, sources, isCreate, signal);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'already-exists') await this.#giveUp();
      throw error;
    }
  }

  /** What exists may be what an earlier attempt made, and its caller content: nobody would abort then. */
  async #giveUp(): Promise<void> {
    await this.abort().catch(() => {});
  }

  /** One request after the other: they move no bytes. */
  async #joinGroups(sources: readonly Source[], signal: AbortSignal | undefined): Promise<Source[]> {
    const joined: Source[] = [];
    for (let start = 0; start < sources.length; start += MAX_SOURCES) {
      const name = this.#newName();
      const group = sources.slice(start, start + MAX_SOURCES);
      joined.push({ name, generation: await this.#compose(name, group, false, signal) });
    }
    return joined;
  }

  /** Resolves to the generation of what was made. */
  async #compose(
    name: string,
    sources: readonly Source[],
    isCreate: boolean,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const request = {
      sourceObjects: sources,
      destination: { contentType: 'application/octet-stream' },
    };
    const made = await makeObject(
      this.#requests,
      {
        method: 'POST',
        path: `${this.#requests.objectPath(name)}/compose`,
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(request)),
      },
      { name, where: this.#key, isCreate, signal },
    );
    return textOf(field(made, 'generation'));
  }

  /** Emulators ignore the condition of a join; with them, writers that race within it go unnoticed. */
  async #refuseExisting(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#requests.call(
        { method: 'GET', path: this.#requests.objectPath(this.#key), query: { fields: 'name' } },
        { where: this.#key, signal },
      );
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not-found') return;
      throw error;
    }
    throw new StoreError('already-exists', 'the object exists already', { where: this.#key });
  }

  /** The object is published: what cannot be deleted now does not make its put a failure. */
  async #tidy(): Promise<void> {
    for (let attempt = 0; attempt < TIDY_ATTEMPTS && this.#names.size > 0; attempt += 1) {
      await this.#deleteParts().catch(() => {});
    }
  }

  async #deleteParts(): Promise<void> {
    const signal = AbortSignal.timeout(ABORT_LIMIT_MS);
    const names = [...this.#names];
    for (let start = 0; start < names.length; start += BATCH_CALLS) {
      const batch = names.slice(start, start + BATCH_CALLS);
      await deleteObjects(this.#requests, batch, signal);
      for (const name of batch) this.#names.delete(name);
    }
  }

  #newName(): string {
    this.#named += 1;
    const name = `${this.#key}${TEMPORARY_MARK}${this.#id}-${this.#named}${TEMPORARY_MARK}part`;
    this.#names.add(name);
    return name;
  }
}
