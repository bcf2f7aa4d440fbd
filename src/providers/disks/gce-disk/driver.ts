import { randomUUID } from 'node:crypto';
import { DiskError, throwIfAborted } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import { silentLogger } from '../../../base/logger.ts';
import { orAborted } from '../../../base/until-aborted.ts';
import { createIdentity } from '../../google/identity.ts';
import type { GoogleIdentity } from '../../google/identity.ts';
import { ConnectionAgents } from '../../objects/connection-agents.ts';
import { ConnectionWarnings } from '../../objects/connection-warnings.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import { endpointOrigin } from '../../objects/endpoint.ts';
import { Renewable } from '../../objects/renewable.ts';
import { checkedIdleTimeoutMs } from '../../objects/request-scope.ts';
import type {
  DiskCapabilities,
  DiskDescription,
  DiskDriver,
  DiskListOptions,
  DiskQuota,
  DiskSnapshotDescription,
  DiskTypeLimits,
  NewDisk,
  NewDiskSnapshot,
  SnapshotShare,
} from '../driver.ts';
import type { GcpDiskSettings } from '../settings.ts';
import type { ComputeClient } from './client.ts';
import { diskError } from './compute-error.ts';
import { createDisk, deleteDisk, getDisk, listDisks, newDiskId, unbornDisk } from './disks.ts';
import { findUnborn } from './operations.ts';
import type { UnbornOrder } from './operations.ts';
import { leavesOpen } from '../retry.ts';
import { describeQuotas, describeType, listZones } from './places.ts';
import { formatSnapshotId, parseSnapshotId } from './resource-id.ts';
import { shareSnapshot, unshareSnapshot } from './sharing.ts';
import { createSnapshot, deleteSnapshot, getSnapshot, listSnapshots, unbornSnapshot } from './snapshots.ts';

const COMPUTE = 'https://compute.googleapis.com';
const KMS = 'https://cloudkms.googleapis.com';
const SCOPES = ['https://www.googleapis.com/auth/compute', 'https://www.googleapis.com/auth/cloudkms'];
/** Google's own hosts, those of private connections included. */
const GOOGLE_HOST = /(^|\.)googleapis\.com$/;
const PLACE = { where: 'gcp', action: '' };

/**
 * Persistent disks and Hyperdisks of Compute Engine, zonal and regional, and their snapshots, which are global. What is
 * made has the operation's id as its name, so that a repeated order finds what the first one made.
 */
export class GceDiskDriver implements DiskDriver {
  readonly provider = 'gcp';
  readonly capabilities: DiskCapabilities = {
    repeatsSnapshotsSafely: true,
    repeatsDisksSafely: true,
    // Google promises none; what is made can be got by its name at once.
    listingLagMs: 10_000,
    groupsByMachine: false,
    // Nor need it: a snapshot can be restored in any region.
    copiesBetweenRegions: false,
    snapshotIntervalMs: 10 * 60_000,
  };
  readonly #settings: GcpDiskSettings;
  readonly #agents: Renewable<ConnectionAgents>;
  readonly #identities: Renewable<GoogleIdentity>;
  readonly #client: Renewable<ComputeClient>;
  readonly #kmsEndpoint: string;
  /** Ids of the requests that ordered what has not been deleted since. */
  readonly #requestIds = new Map<string, string>();
  /** What was deleted without being there: that its order had failed need not be told any more. */
  readonly #forgotten = new Set<string>();

  /** Throws UsageError for settings that cannot be carried out. */
  constructor(settings: GcpDiskSettings = {}, logger: Logger = silentLogger) {
    const advice = 'write https://host:port';
    const endpoint = endpointOrigin(settings.endpoint ?? COMPUTE, { where: 'gcp', advice });
    const kmsEndpoint = endpointOrigin(settings.kmsEndpoint ?? KMS, { where: 'gcp', advice });
    const idleTimeoutMs = checkedIdleTimeoutMs(settings.idleTimeoutMs);
    const isInUniverse = [endpoint, kmsEndpoint].every((origin) =>
      GOOGLE_HOST.test(new URL(origin).hostname),
    );
    this.#settings = settings;
    this.#kmsEndpoint = kmsEndpoint;
    this.#agents = new Renewable({
      where: endpoint,
      create: () => ConnectionAgents.open(settings),
      destroy: (agents) => agents.close(),
    });
    this.#identities = new Renewable({
      where: endpoint,
      create: () => createIdentity(settings, { isInUniverse, timeoutMs: idleTimeoutMs, scopes: SCOPES }),
      destroy: (identity) => identity.close(),
    });
    this.#client = new Renewable({
      where: endpoint,
      create: async () => {
        const client = await import('./client.ts');
        return new client.ComputeClient({
          endpoint,
          allowHttp: settings.allowHttp ?? false,
          insecureTls: settings.insecureTls ?? false,
          warnings: new ConnectionWarnings(logger),
          idleTimeoutMs,
          agents: this.#agents,
          identities: this.#identities,
        });
      },
    });
  }

  async account({ signal }: AbortableOptions): Promise<string> {
    const project = this.#settings.project ?? (await this.#projectOfCredentials(signal));
    if (project !== undefined) return project;
    throw new DiskError('invalid-argument', 'neither the settings nor the credentials name a project', {
      where: 'gcp',
      advice: 'name the project',
    });
  }

  async describeDisk(diskId: string, options: AbortableOptions): Promise<DiskDescription | undefined> {
    const client = await this.#client.get();
    const found = await ifFound(diskId, getDisk(client, diskId, options));
    if (found !== undefined) return found;
    const order = await this.#findUnborn(client, diskId, options);
    return order && unbornDisk(diskId, order);
  }

  async createDisk(disk: NewDisk, options: AbortableOptions): Promise<DiskDescription> {
    const id = newDiskId(disk, disk.account ?? (await this.account(options)));
    const client = await this.#client.get();
    return this.#order(id, (requestId) => createDisk(client, disk, { ...options, id, requestId }));
  }

  async deleteDisk(diskId: string, options: AbortableOptions): Promise<void> {
    const client = await this.#client.get();
    await this.#delete(client, diskId, options, () => deleteDisk(client, diskId, options));
  }

  async *listDisks(options: DiskListOptions): AsyncGenerator<DiskDescription, void, undefined> {
    const project = await this.account(options);
    yield* listDisks(await this.#client.get(), { ...options, project });
  }

  async describeSnapshot(
    snapshotId: string,
    options: AbortableOptions,
  ): Promise<DiskSnapshotDescription | undefined> {
    const client = await this.#client.get();
    const found = await ifFound(snapshotId, getSnapshot(client, snapshotId, options));
    if (found !== undefined) return found;
    const order = await this.#findUnborn(client, snapshotId, options);
    return order && unbornSnapshot(snapshotId, order);
  }

  async createSnapshot(
    snapshot: NewDiskSnapshot,
    options: AbortableOptions,
  ): Promise<DiskSnapshotDescription> {
    const id = formatSnapshotId({ project: await this.account(options), name: snapshot.operationId });
    const client = await this.#client.get();
    const disk = await getDisk(client, snapshot.diskId, options);
    return this.#order(id, (requestId) =>
      createSnapshot(client, snapshot, { ...options, disk, id, requestId }),
    );
  }

  async deleteSnapshot(snapshotId: string, options: AbortableOptions): Promise<void> {
    const client = await this.#client.get();
    await this.#delete(client, snapshotId, options, () => deleteSnapshot(client, snapshotId, options));
  }

  async *listSnapshots(options: DiskListOptions): AsyncGenerator<DiskSnapshotDescription, void, undefined> {
    const project = await this.account(options);
    yield* listSnapshots(await this.#client.get(), { ...options, project });
  }

  /** `account` is the id or the number of a project: all of its service accounts may use the snapshot then. */
  async shareSnapshot(
    snapshotId: string,
    account: string,
    options: AbortableOptions,
  ): Promise<SnapshotShare> {
    parseSnapshotId(snapshotId);
    const client = await this.#client.get();
    const { encryption } = await getSnapshot(client, snapshotId, options);
    return shareSnapshot(client, snapshotId, account, {
      ...options,
      encryption,
      kmsEndpoint: this.#kmsEndpoint,
    });
  }

  async unshareSnapshot(share: SnapshotShare, options: AbortableOptions): Promise<void> {
    const client = await this.#client.get();
    await unshareSnapshot(client, share, { ...options, kmsEndpoint: this.#kmsEndpoint });
  }

  async describeType(
    type: string,
    region: string,
    options: AbortableOptions,
  ): Promise<DiskTypeLimits | undefined> {
    const project = await this.account(options);
    return describeType(await this.#client.get(), { type, region }, { ...options, project });
  }

  async listZones(region: string, options: AbortableOptions): Promise<readonly string[]> {
    const project = await this.account(options);
    return listZones(await this.#client.get(), region, { ...options, project });
  }

  async describeQuotas(
    of: { readonly region: string; readonly type?: string | undefined },
    options: AbortableOptions,
  ): Promise<readonly DiskQuota[]> {
    const project = await this.account(options);
    return describeQuotas(await this.#client.get(), of, { ...options, project });
  }

  async close(): Promise<void> {
    await this.#client.close();
    await this.#identities.close();
    await this.#agents.close();
  }

  async #projectOfCredentials(signal: AbortSignal | undefined): Promise<string | undefined> {
    try {
      const identity = await orAborted(this.#identities.get(), signal);
      return await orAborted(identity.project(), signal);
    } catch (error) {
      throwIfAborted(signal);
      throw diskError(error, PLACE);
    }
  }

  /** The same order is the same request, until it has failed for certain or what it made is deleted. */
  async #order<Made>(id: string, give: (requestId: string) => Promise<Made>): Promise<Made> {
    const requestId = this.#requestIds.get(id) ?? randomUUID();
    this.#requestIds.set(id, requestId);
    this.#forgotten.delete(id);
    try {
      return await give(requestId);
    } catch (error) {
      if (error instanceof DiskError && !leavesOpen(error)) this.#requestIds.delete(id);
      throw error;
    }
  }

  async #findUnborn(
    client: ComputeClient,
    id: string,
    options: AbortableOptions,
  ): Promise<UnbornOrder | undefined> {
    const order = await findUnborn(client, id, options);
    return order?.state === 'failed' && this.#forgotten.has(id) ? undefined : order;
  }

  /** An order that is under way may still make what is not there yet, so that it is too early to be deleted. */
  async #delete(
    client: ComputeClient,
    id: string,
    options: AbortableOptions,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
      this.#requestIds.delete(id);
      return;
    } catch (error) {
      if (!isMissing(error, id)) throw error;
    }
    const order = await findUnborn(client, id, options);
    if (order?.state === 'under-way') {
      throw new DiskError('conflict', 'it is not there yet, and is being made', {
        where: id,
        retryable: true,
      });
    }
    this.#requestIds.delete(id);
    this.#forgotten.add(id);
  }
}

async function ifFound<T>(id: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error, id)) return undefined;
    throw error;
  }
}

/** It is the thing itself that is missing, not its project or zone; the cloud may name the project by its number. */
function isMissing(error: unknown, id: string): boolean {
  if (!(error instanceof DiskError) || error.code !== 'not-found') return false;
  return error.where?.endsWith(id.replace(/^projects\/[^/]+/, '')) ?? false;
}
