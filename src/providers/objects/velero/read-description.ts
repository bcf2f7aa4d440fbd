import { createReadStream } from 'node:fs';
import { FileSystemError, UsageError, asError, throwIfAborted } from '../../../base/errors.ts';
import { isValidKey } from '../object-key.ts';
import { readBackupStorageLocation } from './backup-storage-location.ts';
import type { CredentialSource, DescribedStore } from './described-store.ts';
import type { VeleroLocation } from './location.ts';
import { readMigStorage } from './mig-storage.ts';
import { Secrets } from './secrets.ts';
import { onlyObjectsWith } from './yaml-objects.ts';
import { parseYaml } from './yaml-value.ts';
import type { YamlValue } from './yaml-value.ts';

/** More than most of what a cluster holds; a disk image is not read to its end. */
const MAX_BYTES = 16 * 1024 * 1024;

const readers = { BackupStorageLocation: readBackupStorageLocation, MigStorage: readMigStorage } as const;
type Kind = keyof typeof readers;
const kinds = [...Object.keys(readers), 'Secret'];

/**
 * Reads the file of a location: YAML or JSON with one or more documents, lists among them, in which one object is a
 * `BackupStorageLocation` or a `MigStorage`, and others may be its Secrets. Everything else in it is passed over.
 * Throws UsageError with the path of the value, file and line; FileSystemError where the file cannot be read.
 */
export async function readDescription(
  place: VeleroLocation,
  signal: AbortSignal | undefined,
): Promise<DescribedStore> {
  const name = place.file === '-' ? 'standard input' : place.file;
  const text = onlyObjectsWith(kinds, await readText(place.file, signal));
  const objects = parseYaml(text, name).flatMap(objectsOf);
  const { kind, object } = chosen(objects, place.name, name);
  const source: CredentialSource | undefined =
    place.credentials === undefined ? undefined : { kind: 'file', path: place.credentials };
  const description = readers[kind](object, new Secrets(objects), source);
  const { store, bucket, prefix, prefixValue, readOnly, warnings } = description;
  if (prefix !== '' && !isValidKey(prefix)) throw prefixValue.wrong('is no prefix that object keys can have');
  const below = [prefix, place.path].filter((part) => part !== '').join('/');
  return { location: store.locationFor(bucket, below), settings: store.settings, readOnly, warnings };
}

async function readText(file: string, signal: AbortSignal | undefined): Promise<string> {
  throwIfAborted(signal);
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  try {
    const stream = createReadStream(file, { signal, ...(file === '-' ? { fd: 0, autoClose: false } : {}) });
    for await (const piece of stream) {
      if (!Buffer.isBuffer(piece)) continue;
      pieces.push(piece);
      sizeBytes += piece.byteLength;
      if (sizeBytes > MAX_BYTES) {
        throw new UsageError('the description is larger than 16 MiB', {
          where: file,
          advice: 'leave in it the store and its Secret only',
        });
      }
    }
  } catch (error) {
    throwIfAborted(signal);
    if (error instanceof UsageError) throw error;
    throw new FileSystemError('io', 'cannot read the description of the store', {
      where: file,
      advice: `check that it exists and that you may read it: ${asError(error).message}`,
      cause: error,
    });
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** What `kubectl get -o yaml` prints of several objects is one list. */
function objectsOf(document: YamlValue): YamlValue[] {
  return (document.member('kind').text() ?? '').endsWith('List')
    ? document.member('items').items()
    : [document];
}

interface Candidate {
  readonly kind: Kind;
  readonly object: YamlValue;
  readonly name: string;
}

function chosen(objects: readonly YamlValue[], name: string | undefined, file: string): Candidate {
  const all = objects.flatMap((object): Candidate[] => {
    const kind = object.member('kind').text();
    if (kind !== 'BackupStorageLocation' && kind !== 'MigStorage') return [];
    return [{ kind, object, name: object.member('metadata').member('name').text() ?? '' }];
  });
  const named = name === undefined ? all : all.filter((candidate) => candidate.name === name);
  const defaults = named.filter(({ object }) => isDefault(object));
  const [only, ...others] = named.length > 1 && defaults.length > 0 ? defaults : named;
  if (only !== undefined && others.length === 0) return only;
  if (all.length === 0) {
    throw new UsageError('no BackupStorageLocation and no MigStorage', { where: file });
  }
  const what =
    only === undefined ? `no store is called ${JSON.stringify(name)}` : 'several stores are described';
  const names = all.map((candidate) => candidate.name).join(', ');
  throw new UsageError(what, { where: file, advice: `choose one with ?name=NAME: ${names}` });
}

function isDefault(object: YamlValue): boolean {
  return (
    object.member('kind').text() === 'BackupStorageLocation' &&
    object.member('spec').member('default').flag() === true
  );
}
