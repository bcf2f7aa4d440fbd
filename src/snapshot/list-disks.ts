import type { RepositoryError } from '../base/errors.ts';
import type { DiskDriver } from '../providers/disks/driver.ts';
import type { AbortableOptions } from '../providers/objects/driver.ts';
import type { Repository } from '../repository/repository.ts';
import type { DiskDocument } from './disk-document.ts';
import { loadDiskDocuments } from './disk-documents.ts';
import { diskEngine } from './engine-options.ts';

/** What is listed. */
export interface ListDisksOptions extends AbortableOptions {
  /** Only of this plan. */
  readonly plan?: string | undefined;
  /** Asks the cloud what it has now; without it, only the repository is read. */
  readonly driver?: DiskDriver | undefined;
  /** Told of a document that cannot be read, which is then left out. Must not throw. Default: it fails the listing. */
  readonly onUnreadable?: ((id: string, error: RepositoryError) => void) | undefined;
}

/** A document, and what its cloud has of it. */
export interface ListedDisk {
  readonly document: DiskDocument;
  /** State of the snapshot or disk now; `gone` where there is none; undefined where the cloud was not asked. */
  readonly now?: string | undefined;
}

/**
 * All disk snapshots of the repository, and the disks that were restored from them, in order of their beginning. Throws
 * RepositoryError `corrupt`, StoreError, DiskError, CancelledError.
 *
 * @example
 * for (const { document } of await listDisks(repository)) console.log(document.kind, document.id, document.state);
 */
export async function listDisks(
  repository: Repository,
  { plan, driver, onUnreadable, signal }: ListDisksOptions = {},
): Promise<ListedDisk[]> {
  const documents = (await loadDiskDocuments(repository, { onUnreadable, signal }))
    .filter((document) => plan === undefined || document.plan === plan)
    .sort((a, b) => a.begunMs - b.begunMs);
  if (driver === undefined) return documents.map((document) => ({ document }));
  const asked = diskEngine(repository, driver, {}).driver;
  const listed: ListedDisk[] = [];
  for (const document of documents) {
    const now =
      document.provider === driver.provider ? await stateNow(asked, document, { signal }) : undefined;
    listed.push({ document, now });
  }
  return listed;
}

async function stateNow(
  driver: DiskDriver,
  document: DiskDocument,
  options: AbortableOptions,
): Promise<string | undefined> {
  const id = document.kind === 'snapshot' ? document.snapshot?.id : document.disk?.id;
  if (id === undefined) return undefined;
  const found =
    document.kind === 'snapshot'
      ? await driver.describeSnapshot(id, options)
      : await driver.describeDisk(id, options);
  return found?.state ?? 'gone';
}
