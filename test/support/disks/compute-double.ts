/** A double of Compute Engine (and of two calls of Cloud KMS) over HTTP, with the real driver before it. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { GceDiskDriver } from '../../../src/providers/disks/gce-disk/driver.ts';
import { tagsOf } from '../../../src/providers/disks/gce-disk/labels.ts';
import type { DiskSnapshotState } from '../../../src/providers/disks/driver.ts';
import type { GcpDiskSettings } from '../../../src/providers/disks/settings.ts';
import type { CloudCall, CloudDouble, CloudFault, CloudFaultKind, DoubleDisk } from './cloud-double.ts';
import { parseFilter } from './compute-filter.ts';
import { cutAnswer } from './cut-answer.ts';
import { ComputeRefusal, forbidden, invalid, missing } from './compute-json.ts';
import type { PolicyJson } from './compute-json.ts';
import { answerFaults, matchCall, requestFaults } from './compute-schema.ts';
import type { MatchedCall } from './compute-schema.ts';
import {
  ComputeWorld,
  diskTypes,
  otherProject,
  project,
  projectNumbers,
  region,
  regions,
  zones,
} from './compute-world.ts';
import type { Fate, InsertedJson } from './compute-world.ts';
import { FaultQueue } from './fault-queue.ts';

export const doubleToken = 'a-token-of-the-double';
/** Small, so that lists have pages. */
const PAGE = 2;
const JSON_TYPE = { 'content-type': 'application/json; charset=UTF-8' };

interface Request extends MatchedCall {
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly fault: CloudFaultKind | undefined;
}

/** Which of the port's calls a request is the heart of, and the permission that it takes. */
const calls: Readonly<Record<string, readonly [call: CloudCall | undefined, permission: string]>> = {
  'DiskTypes.AggregatedList': [undefined, 'compute.diskTypes.list'],
  'Disks.AggregatedList': ['listDisks', 'compute.disks.list'],
  'Disks.Delete': ['deleteDisk', 'compute.disks.delete'],
  'Disks.Get': ['describeDisk', 'compute.disks.get'],
  'Disks.Insert': ['createDisk', 'compute.disks.create'],
  'GlobalOperations.List': [undefined, 'compute.globalOperations.list'],
  'Projects.Get': [undefined, 'compute.projects.get'],
  'RegionDisks.Delete': ['deleteDisk', 'compute.disks.delete'],
  'RegionDisks.Get': ['describeDisk', 'compute.disks.get'],
  'RegionDisks.Insert': ['createDisk', 'compute.disks.create'],
  'RegionOperations.List': [undefined, 'compute.regionOperations.list'],
  'Regions.Get': [undefined, 'compute.regions.get'],
  'Snapshots.Delete': ['deleteSnapshot', 'compute.snapshots.delete'],
  'Snapshots.Get': ['describeSnapshot', 'compute.snapshots.get'],
  'Snapshots.GetIamPolicy': [undefined, 'compute.snapshots.getIamPolicy'],
  'Snapshots.Insert': ['createSnapshot', 'compute.snapshots.create'],
  'Snapshots.List': ['listSnapshots', 'compute.snapshots.list'],
  'Snapshots.SetIamPolicy': ['shareSnapshot', 'compute.snapshots.setIamPolicy'],
  'ZoneOperations.List': [undefined, 'compute.zoneOperations.list'],
  'Zones.List': [undefined, 'compute.zones.list'],
};

const fates: Readonly<Partial<Record<CloudFaultKind, Fate>>> = {
  'fails-later': 'fails',
  'stays-pending': 'pending',
  'vanishes-later': 'vanishes',
};

const snapshotStates: Readonly<Record<string, DiskSnapshotState>> = { READY: 'ready', DELETING: 'deleting' };

export class ComputeDouble implements CloudDouble {
  readonly driver: GceDiskDriver;
  readonly endpoint: string;
  readonly region = region;
  readonly zones = zones;
  readonly otherAccount = otherProject;
  readonly world = new ComputeWorld();
  /** `Snapshots.Insert` and so on, in their order. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #faults = new FaultQueue();
  readonly #used = new Set<string>();
  readonly #violations: string[] = [];

  private constructor(server: Server, port: number, settings: GcpDiskSettings) {
    this.#server = server;
    this.endpoint = `http://127.0.0.1:${port}`;
    const { endpoint } = this;
    this.driver = new GceDiskDriver({
      endpoint,
      kmsEndpoint: endpoint,
      accessToken: doubleToken,
      project,
      ...settings,
    });
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  static async start(settings: GcpDiskSettings = {}): Promise<ComputeDouble> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the double has no address');
    return new ComputeDouble(server, address.port, settings);
  }

  addDisk(disk: DoubleDisk = {}): string {
    return this.world.addDisk(disk);
  }

  remove(id: string): void {
    this.world.disks.delete(id);
    this.world.snapshots.delete(id);
  }

  strike(fault: CloudFault): void {
    this.#faults.add(fault);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  disks() {
    return [...this.world.disks].map(([id, { json }]) => {
      const places = json.replicaZones ?? [json.zone ?? ''];
      return { id, tags: tagsOf(json), type: lastName(json.type), zones: places.map(lastName) };
    });
  }

  snapshots() {
    return [...this.world.snapshots].map(([id, { json }]) => ({
      id,
      tags: tagsOf(json),
      state: snapshotStates[json.status] ?? ('pending' as const),
    }));
  }

  usedPermissions(): readonly string[] {
    return [...this.#used].sort();
  }

  violations(): readonly string[] {
    return this.#violations;
  }

  async stop(): Promise<void> {
    await this.driver.close();
    this.#server.closeAllConnections();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += String(piece);
    const url = new URL(request.url ?? '/', this.endpoint);
    const verb = request.method ?? '';
    try {
      if (request.headers.authorization !== `Bearer ${doubleToken}`) {
        throw new ComputeRefusal(401, 'authError', 'Request had invalid authentication credentials.');
      }
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      if (/^\/v1\/projects\/.*:[a-zA-Z]+$/.test(url.pathname)) {
        answer(response, 200, this.#kms(verb, url, body));
        return;
      }
      const matched = matchCall(verb, url.pathname);
      if (matched === undefined) throw this.#violation(`${verb} ${url.pathname} is no path`);
      const [result, fault] = this.#handle({ ...matched, query: url.searchParams, body, fault: undefined });
      if (fault === 'lost-answer') response.destroy();
      else if (fault === 'cut-answer') cutAnswer(response.writeHead(200, JSON_TYPE), JSON.stringify(result));
      else answer(response, 200, result);
    } catch (error) {
      if (!(error instanceof ComputeRefusal)) throw error;
      answer(response, error.status, refusalBody(error));
    }
  }

  /** The answer, and what strikes it. */
  #handle(request: Request): readonly [answer: object, fault: CloudFaultKind | undefined] {
    const { name, query, body } = request;
    this.requests.push(name);
    const faults = requestFaults(request, query, body);
    if (faults.length > 0) throw this.#violation(...faults);
    const [call, permission] = calls[name] ?? [];
    if (permission === undefined) throw this.#violation(`${name}: the double does not know it`);
    this.#used.add(permission);
    const fault = call === undefined ? undefined : this.#faults.take(call);
    this.#refuse(fault, permission, request);
    const result = this.#answerTo({ ...request, fault });
    this.#violations.push(...answerFaults(request, result));
    return [result, fault];
  }

  #refuse(fault: CloudFaultKind | undefined, permission: string, { parameters }: Request): void {
    switch (fault) {
      case 'unavailable':
        throw new ComputeRefusal(503, 'backendError', 'Internal error. Please try again.');
      case 'throttled':
        throw new ComputeRefusal(403, 'rateLimitExceeded', 'Rate Limit Exceeded');
      case 'denied':
        throw forbidden(permission, `projects/${parameters['project'] ?? ''}`);
      case 'quota':
        throw new ComputeRefusal(
          403,
          'quotaExceeded',
          "Quota 'SNAPSHOTS' exceeded.  Limit: 1000.0 globally.",
        );
      default:
    }
  }

  #answerTo(request: Request): object {
    const { name, parameters, fault } = request;
    const of = parameters['project'] ?? '';
    const scope = scopeOf(parameters);
    const diskId = `projects/${of}/${scope}/disks/${parameters['disk'] ?? ''}`;
    const snapshotId = `projects/${of}/global/snapshots/${parameters['snapshot'] ?? parameters['resource'] ?? ''}`;
    switch (name) {
      case 'Disks.Get':
      case 'RegionDisks.Get':
        return this.world.getDisk(diskId);
      case 'Disks.Delete':
      case 'RegionDisks.Delete':
        return this.world.deleteDisk(diskId);
      case 'Disks.Insert':
      case 'RegionDisks.Insert':
      case 'Snapshots.Insert':
        return this.#insert(request, scope);
      case 'Snapshots.Get':
        return this.world.getSnapshot(snapshotId);
      case 'Snapshots.Delete':
        return this.world.deleteSnapshot(snapshotId);
      case 'Snapshots.List': {
        const all = [...this.world.snapshots.values()].map(({ json }) => json);
        return this.#page(request, fault === 'listing-lags' ? [] : all);
      }
      case 'Disks.AggregatedList': {
        const all = [...this.world.disks.values()].map(({ json }) => json);
        return this.#aggregated(request, 'disks', fault === 'listing-lags' ? [] : all);
      }
      case 'Snapshots.GetIamPolicy':
        this.world.getSnapshot(snapshotId);
        return this.world.policy(snapshotId);
      case 'Snapshots.SetIamPolicy':
        return this.world.setPolicy(snapshotId, policyIn(request.body));
      case 'GlobalOperations.List':
      case 'RegionOperations.List':
      case 'ZoneOperations.List':
        return this.#page(request, this.world.listOperations(`projects/${of}/${scope}/`));
      default:
        return this.#place(request, of);
    }
  }

  #insert({ name, parameters, query, body, fault }: Request, scope: string): object {
    const of = parameters['project'] ?? '';
    const inserted = insertedIn(body);
    const isSnapshot = name === 'Snapshots.Insert';
    this.#used.add(isSnapshot ? 'compute.disks.createSnapshot' : 'compute.snapshots.useReadOnly');
    if (inserted.labels !== undefined)
      this.#used.add(`compute.${isSnapshot ? 'snapshots' : 'disks'}.setLabels`);
    const requestId = query.get('requestId');
    if (requestId !== null && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(requestId)) {
      throw invalid("Invalid value for field 'requestId'");
    }
    const repeated = this.world.repeated(requestId);
    if (repeated !== undefined) return repeated;
    const fate = (fault === undefined ? undefined : fates[fault]) ?? 'ready';
    return isSnapshot
      ? this.world.insertSnapshot(of, inserted, fate, requestId)
      : this.world.insertDisk(of, scope, inserted, fate, requestId);
  }

  #place(request: Request, of: string): object {
    switch (request.name) {
      case 'Projects.Get': {
        const number = projectNumbers[of];
        if (number === undefined) throw missing(`projects/${of}`);
        return {
          name: of,
          defaultServiceAccount: `${number}-compute@developer.gserviceaccount.com`,
          quotas: [
            { metric: 'SNAPSHOTS', limit: 1000, usage: this.world.snapshots.size },
            { metric: 'NETWORKS', limit: 5, usage: 1 },
          ],
        };
      }
      case 'Regions.Get': {
        const name = request.parameters['region'] ?? '';
        if (!Object.hasOwn(regions, name)) throw missing(`projects/${of}/regions/${name}`);
        return {
          name,
          quotas: [
            { metric: 'DISKS_TOTAL_GB', limit: 4096, usage: 10 },
            { metric: 'SSD_TOTAL_GB', limit: 500, usage: 20.5 },
          ],
        };
      }
      case 'Zones.List': {
        const all = Object.entries(regions).flatMap(([name, of_]) =>
          of_.map((zone) => ({
            name: zone,
            status: 'UP',
            region: `${this.endpoint}/projects/${of}/regions/${name}`,
          })),
        );
        const last = {
          name: `${region}-x`,
          status: 'DOWN',
          region: `${this.endpoint}/projects/${of}/regions/${region}`,
        };
        return this.#page(request, [...all, last]);
      }
      case 'DiskTypes.AggregatedList': {
        const all = Object.entries(diskTypes).map(([name, { sizes }]) => ({
          name,
          validDiskSize: sizes,
          zone: `${this.endpoint}/projects/${of}/zones/${zones[0]}`,
        }));
        return this.#aggregated(request, 'diskTypes', all);
      }
      default:
        throw this.#violation(`${request.name}: the double does not answer it`);
    }
  }

  #page(
    request: Request,
    all: readonly object[],
  ): { readonly items: readonly object[]; readonly nextPageToken?: string } {
    const filter = request.query.get('filter');
    const test = filter === null ? () => true : parseFilter(filter);
    if (test === undefined) throw this.#violation(`${request.name}: the filter ${filter ?? ''}`);
    const found = all.filter(test);
    const start = Number(request.query.get('pageToken') ?? '0');
    const end = start + PAGE;
    return { items: found.slice(start, end), ...(end < found.length ? { nextPageToken: String(end) } : {}) };
  }

  /** All zones and regions, those with nothing included. */
  #aggregated(
    request: Request,
    kind: string,
    all: readonly { readonly zone?: string; readonly region?: string }[],
  ): object {
    const { items, ...rest } = this.#page(request, all);
    const scopes = Object.entries(regions).flatMap(([name, of]) => [
      `regions/${name}`,
      ...of.map((zone) => `zones/${zone}`),
    ]);
    const empty = { warning: { code: 'NO_RESULTS_ON_PAGE', message: 'nothing', data: [] } };
    const entries = scopes.map((scope) => {
      const inScope = items.filter((item) =>
        ['zone', 'region'].some((key) =>
          String(Object.entries(item).find(([name]) => name === key)?.[1]).endsWith(`/${scope}`),
        ),
      );
      return [scope, inScope.length === 0 ? empty : { [kind]: inScope }];
    });
    return { items: Object.fromEntries(entries), ...rest };
  }

  /** Cloud KMS stands in no description that the library brings along: its two calls are checked by hand. */
  #kms(verb: string, url: URL, body: unknown): object {
    const [, keyId = '', action = ''] =
      /^\/v1\/(projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/:]+):([a-zA-Z]+)$/.exec(
        url.pathname,
      ) ?? [];
    this.requests.push(`cryptoKeys.${action}`);
    this.#used.add(`cloudkms.cryptoKeys.${action}`);
    if (verb === 'GET' && action === 'getIamPolicy' && keyId !== '') {
      const keys = [...url.searchParams.keys()].filter((key) => key !== 'options.requestedPolicyVersion');
      if (keys.length > 0 || body !== undefined) throw this.#violation(`${verb} ${url.href}`);
      return this.world.policy(keyId);
    }
    if (verb === 'POST' && action === 'setIamPolicy' && keyId !== '' && url.search === '') {
      return this.world.setPolicy(keyId, policyIn(body));
    }
    throw this.#violation(`${verb} ${url.pathname} is no call of Cloud KMS`);
  }

  #violation(...faults: readonly string[]): ComputeRefusal {
    this.#violations.push(...faults);
    return invalid(faults.join('; '));
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, JSON_TYPE).end(JSON.stringify(body));
}

function refusalBody({ status, reason, message }: ComputeRefusal): object {
  return { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } };
}

function scopeOf({ zone, region: name }: Readonly<Record<string, string>>): string {
  if (zone !== undefined) return `zones/${zone}`;
  return name === undefined ? 'global' : `regions/${name}`;
}

/** Its fields have been checked by the description. */
function insertedIn(body: unknown): InsertedJson {
  return typeof body === 'object' && body !== null ? body : {};
}

function policyIn(body: unknown): PolicyJson {
  const { policy } = Object.fromEntries(Object.entries(body ?? {}));
  return { version: 1, etag: '', bindings: [], ...policy };
}

function lastName(link: string): string {
  return link.slice(link.lastIndexOf('/') + 1);
}
