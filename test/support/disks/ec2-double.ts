import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/system-clock.ts';
import { EbsDriver } from '../../../src/providers/disks/ebs/driver.ts';
import type { AwsDiskSettings } from '../../../src/providers/disks/settings.ts';
import { AwsApi, escapeXml, isFields } from './aws-api.ts';
import type { AwsService, Fields } from './aws-api.ts';
import type { CloudCall, CloudDouble, CloudFault, CloudFaultKind, DoubleDisk } from './cloud-double.ts';
import { cutAnswer } from './cut-answer.ts';
import { REGIONS, ec2Calls } from './ec2-double-calls.ts';
import { Refusal, list, structures, text } from './ec2-double-input.ts';
import { kmsCalls } from './ec2-double-keys.ts';
import { ACCOUNT, Ec2State, OTHER_ACCOUNT, providerKey } from './ec2-double-state.ts';
import type { KeptGrant, KeptVolume } from './ec2-double-state.ts';
import { FaultQueue } from './fault-queue.ts';

const REGION = 'eu-central-1';
const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** What EBS does with a customer's key in the name of who makes a volume or a copy. */
const keyUse = ['CreateGrant', 'Decrypt', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'];

const credentials = { accessKeyId: 'AKIATRANSHIP', secretAccessKey: 'secret' };

interface Request {
  readonly service: AwsService;
  readonly action: string;
  readonly region: string;
  readonly input: Fields;
}

export interface Ec2DoubleOptions {
  readonly settings?: AwsDiskSettings | undefined;
  readonly nowMs?: (() => number) | undefined;
}

/**
 * EC2, KMS and STS of one account on a port of 127.0.0.1: Amazon's query protocol and its JSON, with the real driver in
 * front. It keeps state, and checks each request against Amazon's own description.
 */
export class Ec2Double implements CloudDouble {
  readonly driver: EbsDriver;
  readonly endpoint: string;
  readonly region = REGION;
  readonly zones = REGIONS[REGION] ?? [];
  readonly otherAccount = OTHER_ACCOUNT;
  readonly state: Ec2State;
  readonly #server: Server;
  readonly #answering: Answering;

  private constructor(parts: { driver: EbsDriver; endpoint: string; server: Server; answering: Answering }) {
    this.driver = parts.driver;
    this.endpoint = parts.endpoint;
    this.#server = parts.server;
    this.state = parts.answering.state;
    this.#answering = parts.answering;
  }

  static async start({ settings = {}, nowMs = Date.now }: Ec2DoubleOptions = {}): Promise<Ec2Double> {
    const answering = new Answering(new Ec2State(nowMs));
    const server = createServer((request, response) => {
      void answering.answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const endpoint = `http://127.0.0.1:${address.port}`;
    const driver = await openDriver(endpoint, settings);
    return new Ec2Double({ driver, endpoint, server, answering });
  }

  /** Another driver of the same account, which knows nothing of what the first has learned. */
  static openBeside(cloud: Ec2Double): Promise<EbsDriver> {
    return openDriver(cloud.endpoint, {});
  }

  addDisk(disk: DoubleDisk = {}): string {
    const { encryption = { kind: 'none' }, type = 'gp3', throughputBytesPerSecond, attachedTo = [] } = disk;
    if (encryption.kind === 'customer-key') this.state.keys.add(encryption.keyId);
    for (const machine of attachedTo) {
      if (!this.state.machines().has(machine)) this.#add({ attachedTo: [machine], isBoot: true });
    }
    return this.#add({
      zone: disk.zones?.[0] ?? this.zones[0] ?? '',
      type,
      iops: disk.iops ?? (type === 'gp3' ? 3000 : undefined),
      throughputMib:
        throughputBytesPerSecond === undefined
          ? type === 'gp3'
            ? 125
            : undefined
          : throughputBytesPerSecond / MIB,
      sizeGib: (disk.sizeBytes ?? 8 * GIB) / GIB,
      kmsKeyId: keyIdOf(encryption),
      attachedTo,
      tags: new Map(Object.entries(disk.tags ?? {})),
    });
  }

  remove(id: string): void {
    this.state.volumes.delete(id);
    this.state.snapshots.delete(id);
  }

  strike(fault: CloudFault): void {
    this.#answering.faults.add(fault);
  }

  clearFaults(): void {
    this.#answering.faults.clear();
    this.state.showAll();
  }

  disks(): ReturnType<CloudDouble['disks']> {
    return [...this.state.volumes.values()]
      .filter(({ isBoot }) => !isBoot)
      .map(({ id, tags, type, zone }) => ({ id, type, zones: [zone], tags: Object.fromEntries(tags) }));
  }

  snapshots(): ReturnType<CloudDouble['snapshots']> {
    return [...this.state.snapshots.values()].map(({ id, tags, state }) => ({
      id,
      state,
      tags: Object.fromEntries(tags),
    }));
  }

  /** The next calls of CreateTags are not allowed. */
  refuseTags(): void {
    this.#answering.refusesTags = true;
  }

  /** The answer to the next grant of a key does not arrive. */
  loseGrant(): void {
    this.#answering.losesGrant = true;
  }

  /** Accounts that may use a snapshot. */
  sharedWith(snapshotId: string): readonly string[] {
    return [...(this.state.snapshots.get(snapshotId)?.sharedWith ?? [])];
  }

  grants(): readonly KeptGrant[] {
    return [...this.state.grants.values()];
  }

  usedPermissions(): readonly string[] {
    return [...this.#answering.used].sort();
  }

  forgetPermissions(): void {
    this.#answering.used.clear();
  }

  violations(): readonly string[] {
    return [...this.#answering.violations];
  }

  async stop(): Promise<void> {
    await this.driver.close();
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #add(volume: Partial<KeptVolume>): string {
    const id = this.state.newId('vol');
    this.state.volumes.set(id, {
      id,
      region: REGION,
      createdMs: this.state.nowMs(),
      tags: new Map(),
      state: 'ready',
      fate: 'ready',
      looks: 0,
      hiddenFrom: 0,
      sizeGib: 8,
      kmsKeyId: undefined,
      zone: this.zones[0] ?? '',
      type: 'gp3',
      iops: 3000,
      throughputMib: 125,
      attachedTo: [],
      snapshotId: undefined,
      isBoot: false,
      ...volume,
    });
    return id;
  }
}

function openDriver(endpoint: string, settings: AwsDiskSettings): Promise<EbsDriver> {
  const endpoints = { endpoint, kmsEndpoint: endpoint, stsEndpoint: endpoint };
  return EbsDriver.open({
    region: REGION,
    settings: { credentials, ...endpoints, ...settings },
    clock: clockOfLooks(),
  });
}

/** Time passes by being looked at, as the double's own does: half a minute each time. */
function clockOfLooks(): Clock {
  let looks = 0;
  return { ...systemClock, monotonicMs: () => (looks += 1) * 30_000 };
}

/** The server's part: from a request to its answer. */
class Answering {
  readonly state: Ec2State;
  readonly faults = new FaultQueue();
  readonly used = new Set<string>();
  readonly violations = new Set<string>();
  refusesTags = false;
  losesGrant = false;
  readonly #apis: Readonly<Record<AwsService, AwsApi>>;
  /** Of the request that is being read. */
  #wrong: string[] = [];

  constructor(state: Ec2State) {
    this.state = state;
    const onViolation = (violation: string): void => {
      this.#wrong.push(violation);
    };
    this.#apis = {
      ec2: new AwsApi('ec2', onViolation),
      kms: new AwsApi('kms', onViolation),
      sts: new AwsApi('sts', onViolation),
    };
  }

  async answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readText(message);
    try {
      const request = this.#read(message, body);
      const fault = this.#fault(request);
      const answer = this.#carryOut(request, fault);
      const isLostGrant = this.losesGrant && request.action === 'CreateGrant';
      if (isLostGrant) this.losesGrant = false;
      if (fault === 'lost-answer' || isLostGrant) {
        response.destroy();
        return;
      }
      response.writeHead(200, { 'content-type': contentType(request.service) });
      if (fault === 'cut-answer') cutAnswer(response, answer);
      else response.end(answer);
    } catch (error) {
      if (!(error instanceof Refusal)) this.violations.add(`the double failed: ${String(error)}`);
      const {
        code,
        status,
        message: words,
      } = error instanceof Refusal ? error : new Refusal('InternalError', String(error), 500);
      const isJson = 'x-amz-target' in message.headers;
      response.writeHead(status, { 'content-type': contentType(isJson ? 'kms' : 'ec2') });
      response.end(isJson ? jsonError(code, words) : xmlError(code, words));
    }
  }

  #read(message: IncomingMessage, body: string): Request {
    const scope = /Credential=([^/]+)\/\d{8}\/([a-z0-9-]+)\/(ec2|kms|sts)\/aws4_request/.exec(
      message.headers.authorization ?? '',
    );
    if (scope === null) throw new Refusal('AuthFailure', 'AWS was not able to validate the credentials', 401);
    const [, accessKeyId, region = '', name = ''] = scope;
    if (accessKeyId !== credentials.accessKeyId) {
      throw new Refusal('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);
    }
    const service = name === 'kms' ? 'kms' : name === 'sts' ? 'sts' : 'ec2';
    const api = this.#apis[service];
    const form = new URLSearchParams(body);
    const target = message.headers['x-amz-target'];
    const action =
      service === 'kms' ? String(target).replace('TrentService.', '') : (form.get('Action') ?? '');
    this.#wrong = [];
    if (message.method !== 'POST' || message.url !== '/')
      this.#wrong.push(`${message.method} ${message.url}`);
    if (!api.has(action)) this.#wrong.push(`${service}:${action}`);
    const input = api.has(action) ? readInput(api, action, service === 'kms' ? body : form) : {};
    if (this.#wrong.length > 0) {
      for (const violation of this.#wrong) this.violations.add(violation);
      throw new Refusal('UnknownParameter', this.#wrong.join(', '));
    }
    return { service, action, region, input };
  }

  /** Throws what the call is refused with. */
  #fault(request: Request): CloudFaultKind | undefined {
    for (const permission of permissionsOf(request)) this.used.add(permission);
    const call = cloudCall(request);
    const isRefused = request.action === 'CreateTags' && this.refusesTags;
    const fault = call === undefined ? (isRefused ? 'denied' : undefined) : this.faults.take(call);
    const permission = `${request.service}:${request.action}`;
    switch (fault) {
      case 'unavailable':
        throw new Refusal('Unavailable', 'The server is overloaded and can’t handle the request.', 503);
      case 'throttled':
        throw new Refusal('RequestLimitExceeded', 'Request limit exceeded.', 503);
      case 'denied':
        throw new Refusal(
          'UnauthorizedOperation',
          `You are not authorized to perform this operation. User: arn:aws:iam::${ACCOUNT}:user/u is not ` +
            `authorized to perform: ${permission} on resource: arn:aws:ec2:${request.region}::snapshot/* because ` +
            `no identity-based policy allows the ${permission} action. Encoded authorization failure message: 0a1b`,
          403,
        );
      case 'quota':
        throw call === 'createDisk'
          ? new Refusal('VolumeLimitExceeded', 'You have exceeded the maximum number of volumes.')
          : new Refusal('SnapshotLimitExceeded', 'You have exceeded the maximum number of snapshots.');
      case undefined:
      case 'lost-answer':
      case 'cut-answer':
      case 'fails-later':
      case 'vanishes-later':
      case 'stays-pending':
      case 'listing-lags':
        return fault;
    }
  }

  #carryOut(request: Request, fault: CloudFaultKind | undefined): string {
    const { service, action, region, input } = request;
    const api = this.#apis[service];
    const call = { state: this.state, region, fault };
    if (service === 'sts') {
      return api.writeXml(action, { Account: ACCOUNT, Arn: `arn:aws:iam::${ACCOUNT}:user/u`, UserId: 'u' });
    }
    const handler = (service === 'kms' ? kmsCalls : ec2Calls)[action];
    if (handler === undefined) throw new Error(`nothing does ${action}`);
    const answer = handler(input, call);
    if (service === 'kms') return api.writeJson(action, answer);
    this.#noteKeyUse(request, answer);
    return api.writeXml(action, answer);
  }

  #noteKeyUse({ action, region, input }: Request, answer: Fields): void {
    const keyId = text(
      action === 'CreateVolume' ? answer : action === 'CopySnapshot' ? input : {},
      'KmsKeyId',
    );
    if (keyId === '' || keyId === providerKey(region) || keyId.startsWith('alias/aws/')) return;
    for (const name of keyUse) this.used.add(`kms:${name}`);
  }
}

function readInput(api: AwsApi, action: string, body: string | URLSearchParams): Fields {
  if (typeof body !== 'string') return api.readForm(action, body);
  const value = JSON.parse(body) as Fields;
  return isFields(value) ? api.readJson(action, value) : {};
}

function permissionsOf({ service, action, input }: Request): string[] {
  // Everybody may ask who they are.
  if (service === 'sts') return [];
  const tags = structures(input, 'TagSpecifications').flatMap((specification) => list(specification, 'Tags'));
  return [`${service}:${action}`, ...(tags.length > 0 ? ['ec2:CreateTags'] : [])];
}

function cloudCall({ action, input }: Request): CloudCall | undefined {
  switch (action) {
    case 'CreateSnapshot':
    case 'CreateSnapshots':
      return 'createSnapshot';
    case 'DescribeSnapshots':
      return list(input, 'SnapshotIds').length > 0 ? 'describeSnapshot' : 'listSnapshots';
    case 'DeleteSnapshot':
      return 'deleteSnapshot';
    case 'CreateVolume':
      return 'createDisk';
    case 'DescribeVolumes':
      return list(input, 'VolumeIds').length > 0 ? 'describeDisk' : 'listDisks';
    case 'DeleteVolume':
      return 'deleteDisk';
    case 'ModifySnapshotAttribute':
      return text(input, 'OperationType') === 'add' ? 'shareSnapshot' : undefined;
    default:
      return undefined;
  }
}

function keyIdOf(encryption: NonNullable<DoubleDisk['encryption']>): string | undefined {
  if (encryption.kind === 'none') return undefined;
  return encryption.kind === 'provider-key' ? providerKey(REGION) : encryption.keyId;
}

function contentType(service: AwsService): string {
  return service === 'kms' ? 'application/x-amz-json-1.1' : 'text/xml;charset=UTF-8';
}

function xmlError(code: string, message: string): string {
  const error = `<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`;
  return `<?xml version="1.0"?><Response><Errors>${error}</Errors><RequestID>r-1</RequestID></Response>`;
}

function jsonError(code: string, message: string): string {
  return JSON.stringify({ __type: code, message });
}
