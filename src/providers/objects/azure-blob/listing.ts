import type { ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob';
import { StoreError } from '../../../base/errors.ts';
import type { ListOptions, ObjectInfo } from '../driver.ts';
import { isValidKey } from '../object-key.ts';
import { isFolderMarker } from './folder-marker.ts';
import type { AzureBlobRequests } from './requests.ts';

/** A page comes whole or not at all: as long as it is under way nothing shows that it moves. */
const PAGE_ITEMS = 2000;
/** Listings that broke off and may be taken up again. */
const KEPT_PLACES = 64;

/** Lists one container; knows where listings that broke off can go on, which keys alone do not tell Azure. */
export class AzureBlobListing {
  readonly #requests: AzureBlobRequests;
  /** By prefix and last key of a page: the mark of the page after it. */
  readonly #places = new Map<string, string>();

  constructor(requests: AzureBlobRequests) {
    this.#requests = requests;
  }

  /** All objects below a prefix, page by page; what is named otherwise than objects of ours is left out. */
  async *list(prefix: string, { signal, after }: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    let last = after;
    let marker = after === undefined ? undefined : this.#places.get(placeName(prefix, after));
    for (;;) {
      const page = await this.#page(prefix, marker, signal);
      const next = page.continuationToken ?? '';
      if (next !== '' && next === marker) {
        // Ending here would hide objects, and who deletes by a listing would delete what is needed.
        throw notAListing(prefix, 'the server cut a listing short without saying how to go on');
      }
      for (const info of infosOf(page)) {
        if (last !== undefined && info.key <= last) {
          if (after !== undefined && info.key <= after) continue;
          throw unordered(info.key, last);
        }
        last = info.key;
        yield info;
      }
      if (next === '') return;
      marker = next;
      if (last !== undefined) this.#keepPlace(placeName(prefix, last), next);
    }
  }

  async #page(
    prefix: string,
    continuationToken: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ContainerListBlobFlatSegmentResponse> {
    const place = {
      maxPageSize: PAGE_ITEMS,
      ...(continuationToken === undefined ? {} : { continuationToken }),
    };
    const page = await this.#requests.send(
      async (container, abortSignal) => {
        const pages = container.listBlobsFlat({ prefix, includeMetadata: true, abortSignal }).byPage(place);
        for await (const first of pages) return first;
        return undefined;
      },
      { where: prefix, signal },
    );
    // What answers anything else than a listing must not be taken for an empty store.
    if (page?.containerName === undefined) throw notAListing(prefix, 'the server’s answer is no listing');
    return page;
  }

  #keepPlace(name: string, marker: string): void {
    this.#places.set(name, marker);
    const [oldest] = this.#places.keys();
    if (this.#places.size > KEPT_PLACES && oldest !== undefined) this.#places.delete(oldest);
  }
}

function* infosOf(page: ContainerListBlobFlatSegmentResponse): Generator<ObjectInfo, void, undefined> {
  for (const { name, properties, metadata } of page.segment.blobItems) {
    const sizeBytes = properties.contentLength;
    if (!isValidKey(name) || isFolderMarker(sizeBytes ?? 0, metadata)) continue;
    if (sizeBytes === undefined) throw notAListing(name, 'the server’s answer lacks the size of an object');
    yield { key: name, sizeBytes, modifiedMs: properties.lastModified.getTime() };
  }
}

function placeName(prefix: string, lastKey: string): string {
  return `${prefix} ${lastKey}`;
}

/** Whoever takes up a listing where it broke off relies on the order; so does who compares two of them. */
function unordered(key: string, before: string): StoreError {
  return new StoreError(
    'unsupported',
    `the container lists ${before} before ${key}, which is not their order`,
    {
      where: key,
      advice:
        'give the repository a prefix of its own; accounts with a hierarchical namespace sort folders otherwise',
    },
  );
}

function notAListing(where: string, what: string): StoreError {
  return new StoreError('corrupt', what, { where, retryable: true });
}
