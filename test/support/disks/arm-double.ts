/** Azure's management over loopback HTTPS: keeps state, and checks every request against what the SDK's files say. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { AzureDiskDriver } from '../../../src/providers/disks/azure-disk/driver.ts';
import { tagsOf } from '../../../src/providers/disks/azure-disk/tags.ts';
import type { DiskSnapshotDescription, DiskSnapshotState } from '../../../src/providers/disks/driver.ts';
import type { AzureDiskSettings } from '../../../src/providers/disks/settings.ts';
import type { ServerCertificate } from '../azure-blob/azurite-server.ts';
import { startTokenServer } from '../azure-blob/token-server.ts';
import type { TokenServer } from '../azure-blob/token-server.ts';
import { listening } from '../listening.ts';
import { Authority } from '../tls/certificates.ts';
import { ArmDescription, fieldOf } from './arm-description.ts';
import type { ArmMatch } from './arm-description.ts';
import { locations, skusIn, usagesOf, zoneNumbers } from './arm-offers.ts';
import { ArmRefusal, ArmResources, idOf, typeOf } from './arm-resources.ts';
import type { Kind, Place, Resource } from './arm-resources.ts';
import type { CloudCall, CloudDouble, CloudFault, CloudFaultKind, DoubleDisk } from './cloud-double.ts';
import { cutAnswer } from './cut-answer.ts';

export const subscription = '11111111-aaaa-4bbb-8ccc-111111111111';
const otherSubscription = '22222222-aaaa-4bbb-8ccc-222222222222';
export const groups = ['MC_cluster', 'copies'];
const PAGE = 2;

/** An answer that is no refusal. */
interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Asked {
  readonly match: ArmMatch;
  readonly url: URL;
  readonly body: unknown;
}

/** The double of Azure's disks. */
export class ArmDouble implements CloudDouble {
  readonly region = 'westeurope';
  readonly zones = zoneNumbers.map((zone) => `westeurope-${zone}`);
  readonly otherAccount = otherSubscription;
  readonly #description: ArmDescription;
  readonly #resources = new ArmResources(groups);
  readonly #permissions = new Set<string>();
  readonly #violations = new Set<string>();
  /** Every order so far, its call and its body: what went over the wire. */
  readonly orders: { readonly path: string; readonly body: unknown }[] = [];
  /** Called when a request comes, before it is looked at. */
  onRequest: () => void = () => {};
  readonly #nextLinks = new Set<string>();
  #refusal: ArmRefusal | undefined;
  #faults: { readonly fault: CloudFault; left: number }[] = [];
  #made = 0;
  #origin = '';
  #driver: AzureDiskDriver | undefined;
  #tokens: TokenServer | undefined;
  #settings: AzureDiskSettings = {};

  private constructor(description: ArmDescription) {
    this.#description = description;
  }

  /** Ended when `t` ends. */
  static async start(t: Pick<TestContext, 'after'>): Promise<ArmDouble> {
    const double = new ArmDouble(await loadedDescription());
    const { certificate, files, authority } = certificates();
    const server = createServer(
      { ...certificate },
      (request, response) => void double.#take(request, response),
    );
    const port = await listening(t, server);
    double.#origin = `https://127.0.0.1:${port}`;
    double.#tokens = await startTokenServer({
      certificate: files,
      lifetimeSeconds: 3600,
      refusal: () => undefined,
    });
    double.#settings = {
      endpoint: double.#origin,
      authorityHost: double.#tokens.endpoint,
      caCertificates: authority,
      environment: {
        AZURE_TENANT_ID: '33333333-aaaa-4bbb-8ccc-333333333333',
        AZURE_CLIENT_ID: 'migrator',
        AZURE_CLIENT_SECRET: 'a secret of the test',
        AZURE_SUBSCRIPTION_ID: subscription.toUpperCase(),
      },
    };
    double.#driver = new AzureDiskDriver(double.#settings);
    t.after(() => double.stop());
    return double;
  }

  /** Of a server of the test's own that drivers shall trust. */
  static certificate(): Certificates['certificate'] {
    return certificates().certificate;
  }

  get driver(): AzureDiskDriver {
    assert.ok(this.#driver);
    return this.#driver;
  }

  /** For another driver. */
  get settings(): AzureDiskSettings {
    return this.#settings;
  }

  addDisk(disk: DoubleDisk = {}): string {
    const { type = 'Premium_LRS', sizeBytes = 8 * 2 ** 30, encryption, attachedTo = [], tags = {} } = disk;
    const {
      iops,
      throughputBytesPerSecond,
      zones = type.endsWith('_ZRS') ? [] : this.zones.slice(0, 1),
    } = disk;
    const place: Place = { subscription, group: 'MC_cluster', kind: 'disks', name: `pvc-${++this.#made}` };
    const keyId = encryption?.kind === 'customer-key' ? encryption.keyId : undefined;
    const [machine, ...others] = attachedTo;
    this.#resources.put(place, {
      location: this.region,
      sku: { name: type },
      tags: Object.fromEntries(Object.entries(tags).map(([key, value]) => [key.replaceAll('/', ':'), value])),
      ...(zones.length === 0 ? {} : { zones: zones.map((zone) => zone.slice(-1)) }),
      ...(machine === undefined ? {} : { managedBy: machine }),
      ...(others.length === 0 ? {} : { managedByExtended: others }),
      properties: {
        creationData: { createOption: 'Empty' },
        diskSizeGB: sizeBytes / 2 ** 30,
        diskSizeBytes: sizeBytes,
        // Told of every type, whether it can be set or not.
        diskIOPSReadWrite: iops ?? 500,
        diskMBpsReadWrite: (throughputBytesPerSecond ?? 100e6) / 1e6,
        diskState: machine === undefined ? 'Unattached' : 'Attached',
        encryption:
          keyId === undefined
            ? { type: 'EncryptionAtRestWithPlatformKey' }
            : { type: 'EncryptionAtRestWithCustomerKey', diskEncryptionSetId: keyId },
        networkAccessPolicy: 'DenyAll',
        publicNetworkAccess: 'Disabled',
      },
    });
    return idOf({ ...place, group: place.group.toLowerCase() });
  }

  remove(id: string): void {
    const resource = this.#resources.all.find(({ place }) => idOf(place).toLowerCase() === id.toLowerCase());
    if (resource !== undefined) this.#resources.remove(resource.place);
  }

  strike(fault: CloudFault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  /** The next request is refused in these words. */
  refuse(refusal: ArmRefusal): void {
    this.#refusal = refusal;
  }

  clearFaults(): void {
    this.#faults = [];
    for (const resource of this.#resources.all) resource.hidden = 0;
  }

  disks() {
    return this.#existing('disks').map(({ place, body }) => ({
      id: portId(place),
      tags: tagsIn(body),
      type: typeOf(body),
      zones: zonesIn(body).map((zone) => `${this.region}-${zone}`),
    }));
  }

  snapshots(): Pick<DiskSnapshotDescription, 'id' | 'tags' | 'state'>[] {
    return this.#existing('snapshots').map((resource) => ({
      id: portId(resource.place),
      tags: tagsIn(resource.body),
      state: snapshotState(resource),
    }));
  }

  /** Another program gives it these tags, in Azure's spelling. */
  retag(id: string, tags: Readonly<Record<string, string>>): void {
    const resource = this.#require(id);
    resource.body = { ...resource.body, tags };
  }

  /** Bytes of a sector, as a snapshot of a disk that has them says. */
  setSectors(id: string, logicalSectorSize: number): void {
    const resource = this.#require(id);
    const properties = fieldOf(resource.body, 'properties') ?? {};
    const creationData = Object.assign({ logicalSectorSize }, fieldOf(properties, 'creationData'));
    resource.body = { ...resource.body, properties: { ...properties, creationData } };
  }

  forgetPermissions(): void {
    this.#permissions.clear();
  }

  usedPermissions(): readonly string[] {
    return [...this.#permissions].sort();
  }

  violations(): readonly string[] {
    return [...this.#violations];
  }

  async stop(): Promise<void> {
    await this.#driver?.close();
    await this.#tokens?.stop();
    this.#tokens = undefined;
  }

  #require(id: string): Resource {
    const resource = this.#resources.all.find(({ place }) => idOf(place).toLowerCase() === id.toLowerCase());
    assert.ok(resource, id);
    return resource;
  }

  #existing(kind: Kind): readonly Resource[] {
    return this.#resources.all.filter(({ place, deleting }) => place.kind === kind && !deleting);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.onRequest();
    const fault: { kind?: CloudFaultKind } = {};
    let answer: Answer;
    try {
      answer = this.#answer(await this.#check(request), fault);
    } catch (error) {
      if (!(error instanceof ArmRefusal)) throw error;
      const { status, code, message, retryAfterSeconds } = error;
      const headers: Record<string, string> = {};
      if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds);
      answer = { status, headers, body: { error: { code, message } } };
    }
    if (fault.kind === 'lost-answer') {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, {
      'content-type': 'application/json; charset=utf-8',
      'x-ms-request-id': 'request-of-the-test',
      ...answer.headers,
    });
    const text = answer.body === undefined ? '' : JSON.stringify(answer.body);
    if (fault.kind === 'cut-answer') cutAnswer(response, text);
    else response.end(text);
  }

  async #check(request: IncomingMessage): Promise<Asked> {
    const { method = '', headers } = request;
    const url = new URL(request.url ?? '', this.#origin);
    const pieces: Buffer[] = [];
    for await (const piece of request) if (piece instanceof Buffer) pieces.push(piece);
    const match = this.#description.match(method, decodeURIComponent(url.pathname));
    if (match === undefined) throw this.#violation(404, 'InvalidResourceType', `${method} ${url.pathname}`);
    this.#checkQuery(match, url);
    const scope = this.#tokens?.granted.at(-1)?.get('scope') ?? '';
    if (!scope.startsWith('https://management.azure.com/.default')) this.#violations.add(`scope ${scope}`);
    if (headers.authorization?.startsWith('Bearer ') !== true) {
      throw new ArmRefusal(401, 'AuthenticationFailed', 'Authentication failed.');
    }
    const { operation } = match;
    if (!operation.hasBody) return { match, url, body: undefined };
    if (headers['content-type'] !== 'application/json')
      this.#violations.add(`${operation.name}: content-type`);
    const body: unknown = JSON.parse(Buffer.concat(pieces).toString());
    const model = operation.name.startsWith('disks ') ? 'disk' : 'snapshot';
    for (const wrong of this.#description.bodyFaults(model, body)) {
      throw this.#violation(400, 'InvalidParameter', wrong);
    }
    this.orders.push({ path: url.pathname, body });
    return { match, url, body };
  }

  #checkQuery({ operation }: ArmMatch, url: URL): void {
    if (url.searchParams.getAll('api-version').join() !== operation.apiVersion) {
      throw this.#violation(400, 'InvalidApiVersionParameter', `${operation.name}: api-version`);
    }
    for (const name of url.searchParams.keys()) {
      if (name === 'api-version' || operation.query.has(name) || this.#nextLinks.has(url.href)) continue;
      throw this.#violation(400, 'InvalidQueryParameter', `${operation.name}: ${name}`);
    }
  }

  #violation(status: number, code: string, what: string): ArmRefusal {
    this.#violations.add(what);
    return new ArmRefusal(status, code, what);
  }

  #answer({ match, url, body }: Asked, fault: { kind?: CloudFaultKind }): Answer {
    const { operation, values } = match;
    const { subscriptionId = '', resourceGroupName: group = '' } = values;
    const [kind = '', verb = ''] = operation.name.split(' ');
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal !== undefined) throw refusal;
    const struck = this.#struck(callOf(kind, verb));
    if (struck !== undefined) fault.kind = struck;
    for (const action of actionsOf(kind, verb, body)) this.#permissions.add(action);
    refuseStruck(struck, actionsOf(kind, verb, body)[0] ?? '');
    if (![subscription, otherSubscription].includes(subscriptionId)) {
      throw new ArmRefusal(
        404,
        'SubscriptionNotFound',
        `The subscription '${subscriptionId}' could not be found.`,
      );
    }
    if (kind === 'resourceSkus') {
      const [, location = ''] = /^location eq '(\w+)'$/.exec(url.searchParams.get('$filter') ?? '') ?? [];
      return this.#page(url, skusIn(location), '_resourceSkusResultDeserializer');
    }
    if (kind === 'usage') {
      if (!locations.includes(values['location'] ?? '')) {
        throw new ArmRefusal(
          400,
          'NoRegisteredProviderFound',
          'No registered resource provider found for location.',
        );
      }
      const used = { PremiumDiskCount: this.disks().length, StandardSnapshotCount: this.snapshots().length };
      return this.#page(url, usagesOf(used), '_listUsagesResultDeserializer');
    }
    if (kind === 'diskEncryptionSets')
      return { status: 200, body: encryptionSet(values['diskEncryptionSetName'] ?? '') };
    if (kind !== 'disks' && kind !== 'snapshots') throw this.#violation(404, 'NotFound', operation.name);
    if (verb === 'list') {
      const laggard =
        struck === 'listing-lags' ? this.#existing(kind).findLast(({ isMade }) => isMade) : undefined;
      return this.#page(
        url,
        this.#resources.list(kind, subscriptionId, laggard),
        kind === 'disks' ? '_diskListDeserializer' : '_snapshotListDeserializer',
      );
    }
    const name = values['diskName'] ?? values['snapshotName'] ?? '';
    const place: Place = { subscription: subscriptionId, group, kind, name };
    return this.#one(place, verb, { body, struck });
  }

  #one(
    place: Place,
    verb: string,
    { body, struck }: { readonly body: unknown; readonly struck: CloudFaultKind | undefined },
  ): Answer {
    const reader = place.kind === 'disks' ? 'diskDeserializer' : 'snapshotDeserializer';
    const operation = `${this.#origin}/subscriptions/${subscription}/providers/Microsoft.Compute/locations/westeurope/DiskOperations/1`;
    const headers = { location: operation, 'azure-asyncoperation': operation };
    switch (verb) {
      case 'get':
        return { status: 200, body: this.#checked(this.#resources.read(place), reader) };
      case 'createOrUpdate': {
        const { isNew, answer } = this.#resources.order(place, body, struck);
        return {
          status: isNew ? 202 : 200,
          body: this.#checked(answer, reader),
          ...(isNew ? { headers } : {}),
        };
      }
      case 'delete':
        return this.#resources.delete(place) ? { status: 202, headers } : { status: 204 };
      default:
        throw this.#violation(404, 'NotFound', `${place.kind} ${verb}`);
    }
  }

  #page(url: URL, items: readonly unknown[], reader: string): Answer {
    const skipped = Number(url.searchParams.get('$skiptoken') ?? 0);
    const next = new URL(url);
    next.searchParams.set('$skiptoken', String(skipped + PAGE));
    const isLast = skipped + PAGE >= items.length;
    if (!isLast) this.#nextLinks.add(next.href);
    const body = { value: items.slice(skipped, skipped + PAGE), ...(isLast ? {} : { nextLink: next.href }) };
    return { status: 200, body: this.#checked(body, reader) };
  }

  /** The double's own answers are described as well. */
  #checked(answer: unknown, reader: string): unknown {
    for (const fault of this.#description.answerFaults(reader, answer))
      this.#violations.add(`answer: ${fault}`);
    return answer;
  }

  #struck(call: CloudCall | undefined): CloudFaultKind | undefined {
    const at = this.#faults.findIndex(({ fault }) => fault.call === call);
    const entry = this.#faults[at];
    if (entry === undefined) return undefined;
    entry.left -= 1;
    if (entry.left === 0) this.#faults.splice(at, 1);
    return entry.fault.kind;
  }
}

function callOf(kind: string, verb: string): CloudCall | undefined {
  if (kind !== 'disks' && kind !== 'snapshots') return undefined;
  const noun = kind === 'disks' ? 'Disk' : 'Snapshot';
  const calls: Readonly<Record<string, CloudCall>> = {
    get: `describe${noun}`,
    createOrUpdate: `create${noun}`,
    delete: `delete${noun}`,
    list: `list${noun}s`,
  };
  return calls[verb];
}

/** What Azure asks for, that of the call itself first, and of what an order links to. */
function actionsOf(kind: string, verb: string, body: unknown): string[] {
  if (kind === 'resourceSkus') return ['Microsoft.Compute/skus/read'];
  if (kind === 'usage') return ['Microsoft.Compute/locations/usages/read'];
  const verbs: Readonly<Record<string, string>> = { createOrUpdate: 'write', delete: 'delete' };
  const properties = fieldOf(body, 'properties');
  const [, source] =
    /\/(disks|snapshots)\//.exec(String(fieldOf(fieldOf(properties, 'creationData'), 'sourceResourceId'))) ??
    [];
  const hasSet = fieldOf(fieldOf(properties, 'encryption'), 'diskEncryptionSetId') !== undefined;
  return [
    `Microsoft.Compute/${kind}/${verbs[verb] ?? 'read'}`,
    ...(source === undefined ? [] : [`Microsoft.Compute/${source}/beginGetAccess/action`]),
    ...(hasSet ? ['Microsoft.Compute/diskEncryptionSets/read'] : []),
  ];
}

function refuseStruck(kind: CloudFaultKind | undefined, action: string): void {
  if (kind === 'unavailable') throw new ArmRefusal(503, 'ServiceUnavailable', 'The service is unavailable.');
  if (kind === 'throttled') throw new ArmRefusal(429, 'TooManyRequests', 'The request is throttled.', 1);
  if (kind === 'denied') {
    const who = "The client 'migrator' with object id 'migrator'";
    const what = `does not have authorization to perform action '${action}' over scope '/subscriptions/a'`;
    throw new ArmRefusal(403, 'AuthorizationFailed', `${who} ${what} or the scope is invalid.`);
  }
  if (kind === 'quota') {
    const what = 'Operation could not be completed as it results in exceeding approved quota. Limit: 50000';
    throw new ArmRefusal(409, 'OperationNotAllowed', what);
  }
}

function encryptionSet(name: string): unknown {
  if (!name.startsWith('set'))
    throw new ArmRefusal(404, 'ResourceNotFound', `The Resource '${name}' was not found.`);
  const encryptionType = name.endsWith('-of-two')
    ? 'EncryptionAtRestWithPlatformAndCustomerKeys'
    : 'EncryptionAtRestWithCustomerKey';
  return { name, location: locations[0], properties: { encryptionType, provisioningState: 'Succeeded' } };
}

function portId(place: Place): string {
  return idOf({ ...place, group: place.group.toLowerCase() });
}

function tagsIn(body: unknown): Readonly<Record<string, string>> {
  const tags = fieldOf(body, 'tags') ?? {};
  return tagsOf(Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, String(value)])));
}

function zonesIn(body: unknown): string[] {
  const zones = fieldOf(body, 'zones');
  return Array.isArray(zones) ? zones.map(String) : [];
}

function snapshotState({ pending, fate, copying = 0 }: Resource): DiskSnapshotState {
  if (pending > 0 || fate === 'pending') return 'pending';
  if (fate === 'fails') return 'failed';
  return copying > 0 ? 'pending' : 'ready';
}

let described: Promise<ArmDescription> | undefined;

async function loadedDescription(): Promise<ArmDescription> {
  return (described ??= ArmDescription.load());
}

interface Certificates {
  readonly certificate: { readonly cert: string; readonly key: string };
  readonly files: ServerCertificate;
  readonly authority: string;
}

let made: Certificates | undefined;

/** The same for all doubles of a process, until it ends. */
function certificates(): Certificates {
  if (made !== undefined) return made;
  const folder = mkdtempSync(join(tmpdir(), 'tranship-arm-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const authority = new Authority(folder);
  const certificate = authority.issue({ names: 'IP:127.0.0.1' });
  const files = { certificateFile: join(folder, '1.pem'), keyFile: join(folder, '1.key') };
  assert.equal(readFileSync(files.keyFile, 'utf8'), certificate.key);
  made = { certificate, files, authority: authority.certificate };
  return made;
}
