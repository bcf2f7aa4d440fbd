import { AsyncLocalStorage } from 'node:async_hooks';
// By their files: the package's own entry loads a client for each of 400 services, which takes seconds.
import { DiskTypesClient } from '@google-cloud/compute/build/src/v1/disk_types_client.js';
import { DisksClient } from '@google-cloud/compute/build/src/v1/disks_client.js';
import { GlobalOperationsClient } from '@google-cloud/compute/build/src/v1/global_operations_client.js';
import { ProjectsClient } from '@google-cloud/compute/build/src/v1/projects_client.js';
import { RegionDisksClient } from '@google-cloud/compute/build/src/v1/region_disks_client.js';
import { RegionOperationsClient } from '@google-cloud/compute/build/src/v1/region_operations_client.js';
import { RegionsClient } from '@google-cloud/compute/build/src/v1/regions_client.js';
import { SnapshotsClient } from '@google-cloud/compute/build/src/v1/snapshots_client.js';
import { ZoneOperationsClient } from '@google-cloud/compute/build/src/v1/zone_operations_client.js';
import { ZonesClient } from '@google-cloud/compute/build/src/v1/zones_client.js';
import { DiskError, throwIfAborted } from '../../../base/errors.ts';
import { orAborted } from '../../../base/until-aborted.ts';
import { diskError } from './compute-error.ts';
import { smallGax } from './descriptors.ts';
import { ComputeTransport } from './transport.ts';
import type { Call, TransportOptions } from './transport.ts';

/** Compute Engine's services that have to do with disks, each made when first needed. */
class ComputeServices {
  readonly #options: ConstructorParameters<typeof DisksClient>[0];
  readonly #made: {
    disks?: DisksClient;
    diskTypes?: DiskTypesClient;
    globalOperations?: GlobalOperationsClient;
    projects?: ProjectsClient;
    regionDisks?: RegionDisksClient;
    regionOperations?: RegionOperationsClient;
    regions?: RegionsClient;
    snapshots?: SnapshotsClient;
    zoneOperations?: ZoneOperationsClient;
    zones?: ZonesClient;
  } = {};

  constructor(transport: ComputeTransport) {
    this.#options = { authClient: transport, fallback: true, universeDomain: 'googleapis.com' };
  }

  get disks(): DisksClient {
    return (this.#made.disks ??= new DisksClient(this.#options, smallGax));
  }

  get diskTypes(): DiskTypesClient {
    return (this.#made.diskTypes ??= new DiskTypesClient(this.#options, smallGax));
  }

  get globalOperations(): GlobalOperationsClient {
    return (this.#made.globalOperations ??= new GlobalOperationsClient(this.#options, smallGax));
  }

  get projects(): ProjectsClient {
    return (this.#made.projects ??= new ProjectsClient(this.#options, smallGax));
  }

  get regionDisks(): RegionDisksClient {
    return (this.#made.regionDisks ??= new RegionDisksClient(this.#options, smallGax));
  }

  get regionOperations(): RegionOperationsClient {
    return (this.#made.regionOperations ??= new RegionOperationsClient(this.#options, smallGax));
  }

  get regions(): RegionsClient {
    return (this.#made.regions ??= new RegionsClient(this.#options, smallGax));
  }

  get snapshots(): SnapshotsClient {
    return (this.#made.snapshots ??= new SnapshotsClient(this.#options, smallGax));
  }

  get zoneOperations(): ZoneOperationsClient {
    return (this.#made.zoneOperations ??= new ZoneOperationsClient(this.#options, smallGax));
  }

  get zones(): ZonesClient {
    return (this.#made.zones ??= new ZonesClient(this.#options, smallGax));
  }
}

/** What each call of the SDK is given: it is tried once, and a page of a list is a call. */
export interface CallOptions {
  readonly retry: null;
  readonly autoPaginate: false;
}

/** Calls of the SDK, each abortable; what fails is a DiskError about what the call was about. */
export class ComputeClient {
  readonly #calls = new AsyncLocalStorage<Call>();
  readonly #transport: ComputeTransport;
  readonly #services: ComputeServices;

  constructor(options: Omit<TransportOptions, 'callOf'>) {
    this.#transport = new ComputeTransport({ ...options, callOf: () => this.#call() });
    this.#services = new ComputeServices(this.#transport);
  }

  async call<T>(
    call: Call,
    send: (services: ComputeServices, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(call.signal);
    try {
      const work = this.#calls.run(call, () => send(this.#services, { retry: null, autoPaginate: false }));
      return await orAborted(work, call.signal);
    } catch (error) {
      throwIfAborted(call.signal);
      throw diskError(error, call);
    }
  }

  /** The JSON that another service of Google's answers. */
  async callUrl(call: Call, url: string, body?: unknown): Promise<unknown> {
    return this.call(call, async () => {
      const answer = await this.#transport.request<unknown>({
        url,
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const value: unknown = await answer.json();
      return value;
    });
  }

  #call(): Call {
    const call = this.#calls.getStore();
    if (call === undefined) throw new DiskError('failed', 'a request belongs to no call');
    return call;
  }
}
