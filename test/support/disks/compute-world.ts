/** What there is in a project of the double of Compute Engine, and what becomes of orders. */
import type { DoubleDisk } from './cloud-double.ts';
import { ComputeRefusal, invalid, missing } from './compute-json.ts';
import type { DiskJson, KeyJson, OperationJson, PolicyJson, SnapshotJson } from './compute-json.ts';

/** What becomes of an order that was taken. `fails`: it leaves nothing but the operation that says why. */
export type Fate = 'ready' | 'fails' | 'vanishes' | 'pending';

/** What the body of a disk's or snapshot's insertion may hold; its types have been checked. */
export interface InsertedJson {
  readonly name?: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly sourceDisk?: string;
  readonly storageLocations?: readonly string[];
  readonly sourceSnapshot?: string;
  readonly type?: string;
  readonly sizeGb?: string;
  readonly provisionedIops?: string;
  readonly provisionedThroughput?: string;
  readonly diskEncryptionKey?: { readonly kmsKeyName?: string };
  readonly replicaZones?: readonly string[];
}

interface Kept<Json> {
  readonly json: Json;
  fate: Fate;
  looks: number;
}

const HOST = 'https://www.googleapis.com/compute/v1/';
const GIB = 2 ** 30;
const MIB = 2 ** 20;
/** Looks at what was made before it is ready, or has failed. */
const PENDING_LOOKS = 2;
const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_KEY = /^[a-z][a-z0-9_-]{0,62}$/;
const LABEL_VALUE = /^[a-z0-9_-]{0,63}$/;
const LATER = { code: 'QUOTA_EXCEEDED', message: "Quota 'SNAPSHOTS' exceeded.  Limit: 1000.0 globally." };

export const project = 'tranship-source';
export const otherProject = 'tranship-target';
export const projectNumbers: Readonly<Record<string, string>> = { [project]: '1001', [otherProject]: '1002' };
export const region = 'europe-west1';
export const zones = ['europe-west1-b', 'europe-west1-c', 'europe-west1-d'] as const;
export const regions: Readonly<Record<string, readonly string[]>> = {
  [region]: zones,
  'us-east1': ['us-east1-b'],
};

export const diskTypes: Readonly<
  Record<string, { readonly sizes: string; readonly iops?: true; readonly throughput?: true }>
> = {
  'hyperdisk-balanced': { sizes: '4GB-65536GB', iops: true, throughput: true },
  'pd-balanced': { sizes: '10GB-65536GB' },
  'pd-extreme': { sizes: '500GB-65536GB', iops: true },
  'pd-ssd': { sizes: '10GB-65536GB' },
};

export class ComputeWorld {
  readonly disks = new Map<string, Kept<DiskJson>>();
  readonly snapshots = new Map<string, Kept<SnapshotJson>>();
  readonly policies = new Map<string, PolicyJson>();
  #operations: Kept<OperationJson>[] = [];
  #count = 0;

  addDisk(disk: DoubleDisk): string {
    const places = disk.zones ?? zones.slice(0, 1);
    const scope = places.length > 1 ? `regions/${region}` : `zones/${places[0] ?? ''}`;
    const id = `projects/${project}/${scope}/disks/source-${this.#next()}`;
    const { labels, description } = nativeTags(disk.tags ?? {});
    const { iops, throughputBytesPerSecond: throughput } = disk;
    this.disks.set(id, {
      fate: 'ready',
      looks: PENDING_LOOKS,
      json: {
        ...this.#head(id),
        status: 'READY',
        sizeGb: String((disk.sizeBytes ?? 10 * GIB) / GIB),
        type: `${HOST}projects/${project}/${scope}/diskTypes/${disk.type ?? 'pd-balanced'}`,
        ...placeFields(scope, places),
        ...(disk.attachedTo === undefined
          ? {}
          : {
              users: disk.attachedTo.map((name) => `${HOST}projects/${project}/${scope}/instances/${name}`),
            }),
        ...(Object.keys(labels).length === 0 ? {} : { labels }),
        ...(description === '' ? {} : { description }),
        ...(iops === undefined ? {} : { provisionedIops: String(iops) }),
        ...(throughput === undefined ? {} : { provisionedThroughput: String(throughput / MIB) }),
        ...keyFields(disk),
      },
    });
    return id;
  }

  /** An order's own operation where it was given before; undefined where it was not. */
  repeated(requestId: string | null): OperationJson | undefined {
    return this.#operations.find(({ json }) => requestId !== null && json.clientOperationId === requestId)
      ?.json;
  }

  /** As an hour later. */
  forgetRequests(): void {
    this.#operations = [];
  }

  insertSnapshot(inProject: string, body: InsertedJson, fate: Fate, requestId: string | null): OperationJson {
    const id = `projects/${inProject}/global/snapshots/${body.name ?? ''}`;
    checkHead(body);
    const sourceId = body.sourceDisk ?? '';
    const source = this.disks.get(sourceId)?.json;
    if (source === undefined) throw missing(sourceId);
    if (source.diskEncryptionKey?.sha256 !== undefined)
      throw invalid("The resource is protected by a customer's key");
    if (this.snapshots.has(id)) throw taken(id);
    if (fate !== 'fails') {
      const json = {
        ...this.#head(id),
        ...named(body),
        status: 'CREATING',
        sourceDisk: source.selfLink,
        diskSizeGb: source.sizeGb,
        storageLocations: body.storageLocations ?? ['eu'],
        ...(source.diskEncryptionKey === undefined
          ? {}
          : { snapshotEncryptionKey: source.diskEncryptionKey }),
      };
      this.snapshots.set(id, { json, fate, looks: 0 });
    }
    return this.#operate(id, 'insert', fate, requestId);
  }

  insertDisk(
    inProject: string,
    scope: string,
    body: InsertedJson,
    fate: Fate,
    requestId: string | null,
  ): OperationJson {
    const id = `projects/${inProject}/${scope}/disks/${body.name ?? ''}`;
    checkHead(body);
    const snapshot = this.snapshots.get(body.sourceSnapshot ?? '')?.json;
    if (snapshot === undefined) throw missing(body.sourceSnapshot ?? '');
    if (snapshot.status !== 'READY') {
      throw new ComputeRefusal(400, 'resourceNotReady', `The resource '${body.sourceSnapshot}' is not ready`);
    }
    this.#checkShape(scope, body, snapshot);
    if (this.disks.has(id)) throw taken(id);
    if (fate !== 'fails') {
      const { type = '', sizeGb = '', provisionedIops, provisionedThroughput, diskEncryptionKey } = body;
      const places = body.replicaZones?.map((zone) => zone.slice(zone.lastIndexOf('/') + 1)) ?? [
        scope.slice(6),
      ];
      const json = {
        ...this.#head(id),
        ...named(body),
        status: 'CREATING',
        sizeGb,
        type: `${HOST}${type}`,
        ...placeFields(scope, places),
        sourceSnapshot: snapshot.selfLink,
        ...(provisionedIops === undefined ? {} : { provisionedIops }),
        ...(provisionedThroughput === undefined ? {} : { provisionedThroughput }),
        ...(diskEncryptionKey === undefined ? {} : { diskEncryptionKey: versioned(diskEncryptionKey) }),
      };
      this.disks.set(id, { json, fate, looks: 0 });
    }
    return this.#operate(id, 'insert', fate, requestId);
  }

  getDisk(id: string): DiskJson {
    return look(this.disks, id);
  }

  getSnapshot(id: string): SnapshotJson {
    return look(this.snapshots, id);
  }

  deleteDisk(id: string): OperationJson {
    const disk = this.disks.get(id);
    if (disk === undefined) throw missing(id);
    if ((disk.json.users ?? []).length > 0) {
      const message = `The disk resource '${id}' is already being used by '${disk.json.users?.join() ?? ''}'`;
      throw new ComputeRefusal(400, 'resourceInUseByAnotherResource', message);
    }
    disk.json.status = 'DELETING';
    return this.#operate(id, 'delete', 'ready', null);
  }

  deleteSnapshot(id: string): OperationJson {
    const snapshot = this.snapshots.get(id);
    if (snapshot === undefined) throw missing(id);
    snapshot.json.status = 'DELETING';
    this.policies.delete(id);
    return this.#operate(id, 'delete', 'ready', null);
  }

  /** Those that fail are looked at, so that they go on; the others are done when what they make is. */
  listOperations(prefix: string): OperationJson[] {
    const found = this.#operations.filter(({ json }) => json.targetLink.startsWith(`${HOST}${prefix}`));
    for (const operation of found) {
      operation.looks += 1;
      const id = operation.json.targetLink.slice(HOST.length);
      const made = this.disks.get(id) ?? this.snapshots.get(id);
      const isOver =
        operation.fate === 'fails' ? operation.looks > PENDING_LOOKS : made?.json.status !== 'CREATING';
      if (!isOver) continue;
      operation.json.status = 'DONE';
      if (operation.fate === 'fails') operation.json.error = { errors: [LATER] };
    }
    return found.map(({ json }) => json);
  }

  policy(id: string): PolicyJson {
    const found = this.policies.get(id) ?? { version: 1, etag: 'BwE0', bindings: [] };
    this.policies.set(id, found);
    return found;
  }

  setPolicy(id: string, { etag, ...policy }: PolicyJson): PolicyJson {
    if (etag !== this.policy(id).etag) {
      const message = 'There were concurrent policy changes. Please retry the whole read-modify-write.';
      throw new ComputeRefusal(409, 'aborted', message);
    }
    const set = { ...policy, etag: `BwE${this.#next()}` };
    this.policies.set(id, set);
    return set;
  }

  #checkShape(scope: string, body: InsertedJson, snapshot: SnapshotJson): void {
    const { type = '', sizeGb = '0', replicaZones = [] } = body;
    const name = type.slice(type.lastIndexOf('/') + 1);
    const known = Object.hasOwn(diskTypes, name) ? diskTypes[name] : undefined;
    if (known === undefined || !type.includes(`/${scope}/diskTypes/`)) throw missing(type);
    if (Number(sizeGb) < Number(snapshot.diskSizeGb))
      throw invalid(`Requested disk size ${sizeGb} GB is too small`);
    if (body.provisionedIops !== undefined && known.iops !== true)
      throw invalid(`${name} takes no provisionedIops`);
    if (body.provisionedThroughput !== undefined && known.throughput !== true) {
      throw invalid(`${name} takes no provisionedThroughput`);
    }
    const isRegional = scope.startsWith('regions/');
    const areZones = replicaZones.every((zone) => zones.some((one) => zone.endsWith(`/zones/${one}`)));
    if (replicaZones.length !== (isRegional ? 2 : 0) || !areZones)
      throw invalid('Invalid value for replicaZones');
  }

  #operate(id: string, operationType: string, fate: Fate, requestId: string | null): OperationJson {
    const { id: number, creationTimestamp } = this.#head(id);
    const json: OperationJson = {
      id: number,
      name: `operation-${number}`,
      operationType,
      targetLink: `${HOST}${id}`,
      insertTime: creationTimestamp,
      status: 'RUNNING',
      ...(requestId === null ? {} : { clientOperationId: requestId }),
    };
    // Of what vanishes the cloud keeps nothing.
    if (fate !== 'vanishes') this.#operations.push({ json, fate, looks: 0 });
    return { ...json };
  }

  #head(id: string) {
    const number = this.#next();
    return {
      id: String(7_000_000_000_000_000_000n + BigInt(number)),
      name: id.slice(id.lastIndexOf('/') + 1),
      selfLink: `${HOST}${id}`,
      creationTimestamp: new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString(),
    };
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }
}

/** What is looked at goes on: to be ready, to fail, or to be gone. */
function look<Json extends { status: string }>(all: Map<string, Kept<Json>>, id: string): Json {
  const found = all.get(id);
  if (found === undefined) throw missing(id);
  found.looks += 1;
  const { json, fate, looks } = found;
  if (json.status === 'DELETING' || (fate === 'vanishes' && looks > PENDING_LOOKS)) {
    all.delete(id);
    if (json.status === 'DELETING') return { ...json };
    throw missing(id);
  }
  if (fate === 'ready' && looks > PENDING_LOOKS) json.status = 'READY';
  return { ...json };
}

function checkHead({ name = '', labels = {}, description = '' }: InsertedJson): void {
  if (!NAME.test(name)) throw invalid(`Invalid value for field 'resource.name': '${name}'`);
  const areLabels = Object.entries(labels).every(
    ([key, value]) => LABEL_KEY.test(key) && LABEL_VALUE.test(value),
  );
  if (!areLabels || Object.keys(labels).length > 64)
    throw invalid("Invalid value for field 'resource.labels'");
  if (description.length > 2048) throw invalid("Invalid value for field 'resource.description'");
}

function named({ labels, description }: InsertedJson): Pick<InsertedJson, 'labels' | 'description'> {
  return {
    ...(labels === undefined ? {} : { labels }),
    ...(description === undefined ? {} : { description }),
  };
}

function taken(id: string): ComputeRefusal {
  return new ComputeRefusal(409, 'alreadyExists', `The resource '${id}' already exists`);
}

function placeFields(scope: string, places: readonly string[]) {
  const link = `${HOST}projects/${project}/${scope}`;
  if (scope.startsWith('zones/')) return { zone: link };
  return { region: link, replicaZones: places.map((zone) => `${HOST}projects/${project}/zones/${zone}`) };
}

function keyFields({ encryption }: DoubleDisk): { readonly diskEncryptionKey?: KeyJson } {
  if (encryption?.kind !== 'customer-key') return {};
  const { keyId } = encryption;
  const isSupplied = keyId.startsWith('sha256:');
  return { diskEncryptionKey: isSupplied ? { sha256: keyId.slice(7) } : versioned({ kmsKeyName: keyId }) };
}

/** Of a key's name the cloud keeps the version that it took. */
function versioned({ kmsKeyName = '' }: { readonly kmsKeyName?: string }): KeyJson {
  return { kmsKeyName: `${kmsKeyName}/cryptoKeyVersions/1` };
}

/** As Kubernetes' driver puts them: what is no label stands in the description. */
function nativeTags(tags: Readonly<Record<string, string>>) {
  const entries = Object.entries(tags);
  const isLabel = ([key, value]: [string, string]): boolean => LABEL_KEY.test(key) && LABEL_VALUE.test(value);
  const others = entries.filter((entry) => !isLabel(entry));
  return {
    labels: Object.fromEntries(entries.filter(isLabel)),
    description: others.length === 0 ? '' : JSON.stringify(Object.fromEntries(others)),
  };
}
