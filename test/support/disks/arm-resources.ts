/** Disks and snapshots of the double: what Azure makes of an order, and how it goes on from there. */
import { KnownDiskCreateOption, KnownDiskStorageAccountTypes, KnownEncryptionType } from '@azure/arm-compute';
import type { CloudFaultKind } from './cloud-double.ts';
import { fieldOf } from './arm-description.ts';
import { locations, zoneNumbers } from './arm-offers.ts';

export type Kind = 'disks' | 'snapshots';

/** Where a resource is. */
export interface Place {
  readonly subscription: string;
  readonly group: string;
  readonly kind: Kind;
  readonly name: string;
}

/** A refusal, as the answer has it. */
export class ArmRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, code: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** A disk or a snapshot, as Azure answers it but for its states. */
export interface Resource {
  readonly place: Place;
  body: Fields;
  /** Reads that it is being made for yet. */
  pending: number;
  fate: 'ready' | 'fails' | 'vanishes' | 'pending';
  /** Listings that it will not be in. */
  hidden: number;
  /** What of it is not copied yet, in steps of a read each; undefined where nothing is copied in the background. */
  copying: number | undefined;
  /** True for what an order made, as opposed to what the test began with. */
  readonly isMade: boolean;
  deleting: boolean;
  readonly madeMs: number;
}

const PENDING_READS = 2;
const COPY_STEPS = 2;
/** Types that have a performance of their own, and snapshots that are copied in the background. */
const adjustable = ['PremiumV2_LRS', 'UltraSSD_LRS'];

export class ArmResources {
  readonly #all = new Map<string, Resource>();
  readonly #groups: ReadonlySet<string>;

  constructor(groups: readonly string[]) {
    this.#groups = new Set(groups.map((group) => group.toLowerCase()));
  }

  get all(): readonly Resource[] {
    return [...this.#all.values()];
  }

  find(place: Place): Resource | undefined {
    return this.#all.get(keyOf(place));
  }

  /** What is there from the beginning. */
  put(place: Place, body: Fields): void {
    this.#add({ place, body, isMade: false, pending: 0 });
  }

  remove(place: Place): void {
    this.#all.delete(keyOf(place));
  }

  /** A read, with which time goes on. */
  read(place: Place): unknown {
    this.requireGroup(place);
    const found = this.find(place);
    if (found !== undefined) this.#goOn(found);
    const left = this.find(place);
    if (left !== undefined) return answerOf(left);
    throw new ArmRefusal(
      404,
      'ResourceNotFound',
      `The Resource '${place.kind}/${place.name}' under resource group '${place.group}' was not found.`,
    );
  }

  list(kind: Kind, subscription: string, laggard: Resource | undefined): unknown[] {
    return this.all
      .filter(({ place }) => place.kind === kind && place.subscription === subscription)
      .filter((resource) => resource !== laggard && !isHidden(resource))
      .map((resource) => answerOf(resource));
  }

  /** Makes what is ordered, or changes what is there; Azure has one call for both. */
  order(
    place: Place,
    body: unknown,
    fault: CloudFaultKind | undefined,
  ): { readonly isNew: boolean; readonly answer: unknown } {
    this.requireGroup(place);
    const order = recordOf(body);
    const found = this.find(place);
    if (found !== undefined) {
      refuseChange(found, order);
      found.body = { ...found.body, tags: order['tags'] };
      return { isNew: false, answer: answerOf(found) };
    }
    const source = this.#sourceOf(order);
    checkOrder(place, order, source);
    const made = this.#add({
      place,
      body: completed(place, order, source),
      isMade: true,
      pending: PENDING_READS,
    });
    made.fate = fateOf(fault);
    if (fault === 'listing-lags') made.hidden = 2;
    const isStart = creationOf(order, 'createOption') === 'CopyStart';
    if (place.kind === 'snapshots' && (isStart || adjustable.includes(typeOf(source.body))))
      made.copying = COPY_STEPS;
    return { isNew: true, answer: { ...answerOf(made), id: undefined } };
  }

  delete(place: Place): boolean {
    const found = this.find(place);
    if (found === undefined) return false;
    if (fieldOf(found.body, 'managedBy') !== undefined) {
      throw new ArmRefusal(409, 'OperationNotAllowed', `Disk ${place.name} is attached to a VM.`);
    }
    found.deleting = true;
    return true;
  }

  requireGroup({ group }: Place): void {
    if (this.#groups.has(group.toLowerCase())) return;
    throw new ArmRefusal(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`);
  }

  #sourceOf(order: Fields): Resource {
    const id = String(creationOf(order, 'sourceResourceId'));
    const source = this.#all.get(id.toLowerCase());
    if (source !== undefined && !source.deleting) return source;
    throw new ArmRefusal(404, 'ResourceNotFound', `The source ${id} was not found.`);
  }

  #add(of: Pick<Resource, 'place' | 'body' | 'isMade' | 'pending'>): Resource {
    const life = {
      fate: 'ready',
      hidden: 0,
      copying: undefined,
      deleting: false,
      madeMs: Date.now(),
    } as const;
    const resource: Resource = { ...life, ...of };
    this.#all.set(keyOf(of.place), resource);
    return resource;
  }

  #goOn(resource: Resource): void {
    if (resource.deleting) {
      this.remove(resource.place);
      return;
    }
    if (resource.fate === 'pending') return;
    if (resource.pending > 0) {
      resource.pending -= 1;
      if (resource.pending === 0 && resource.fate === 'vanishes') this.remove(resource.place);
      return;
    }
    if (resource.copying !== undefined && resource.copying > 0) resource.copying -= 1;
  }
}

/** The full id; Azure writes one group now as it was made and now in capitals. */
export function idOf({ subscription, group, kind, name }: Place, isShouting = false): string {
  const spelled = isShouting ? group.toUpperCase() : group;
  return `/subscriptions/${subscription}/resourceGroups/${spelled}/providers/Microsoft.Compute/${kind}/${name}`;
}

export function typeOf(body: unknown): string {
  return String(fieldOf(fieldOf(body, 'sku'), 'name'));
}

function keyOf(place: Place): string {
  return idOf(place).toLowerCase();
}

function isHidden(resource: Resource): boolean {
  if (resource.hidden === 0) return false;
  resource.hidden -= 1;
  return true;
}

function fateOf(fault: CloudFaultKind | undefined): Resource['fate'] {
  if (fault === 'fails-later') return 'fails';
  if (fault === 'vanishes-later') return 'vanishes';
  return fault === 'stays-pending' ? 'pending' : 'ready';
}

function answerOf(resource: Resource): Fields {
  const { place, body, madeMs, copying } = resource;
  return {
    ...body,
    id: idOf(place, resource.isMade),
    name: place.name,
    type: `Microsoft.Compute/${place.kind}`,
    properties: {
      ...recordOf(body['properties']),
      timeCreated: new Date(madeMs).toISOString(),
      provisioningState: stateOf(resource),
      ...(copying === undefined ? {} : { completionPercent: 100 - (copying * 100) / COPY_STEPS }),
    },
  };
}

function stateOf({ deleting, pending, fate }: Resource): string {
  if (deleting) return 'Deleting';
  if (pending > 0) return pending === PENDING_READS ? 'Updating' : 'Creating';
  return fate === 'fails' ? 'Failed' : 'Succeeded';
}

/** What Azure adds to an order by itself. */
function completed(place: Place, order: Fields, source: Resource): Fields {
  const properties = recordOf(order['properties']);
  const of = recordOf(source.body['properties']);
  const gibibytes = Number(properties['diskSizeGB'] ?? of['diskSizeGB']);
  return {
    ...order,
    sku: order['sku'] ?? { name: place.kind === 'disks' ? 'Standard_LRS' : 'Standard_ZRS' },
    properties: {
      encryption: of['encryption'] ?? { type: 'EncryptionAtRestWithPlatformKey' },
      networkAccessPolicy: 'AllowAll',
      publicNetworkAccess: 'Enabled',
      ...properties,
      diskState: 'Unattached',
      diskSizeGB: gibibytes,
      diskSizeBytes: gibibytes * 2 ** 30,
    },
  };
}

function refuseChange(found: Resource, order: Fields): void {
  const { name } = found.place;
  if (order['location'] !== found.body['location']) {
    throw new ArmRefusal(
      409,
      'InvalidResourceLocation',
      `The resource '${name}' already exists in another location.`,
    );
  }
  const [own, other] = [found.body, order].map((body) =>
    String(creationOf(body, 'sourceResourceId')).toLowerCase(),
  );
  if (own === other) return;
  throw new ArmRefusal(409, 'PropertyChangeNotAllowed', "Changing property 'creationData' is not allowed.");
}

/** What Azure does not take, though its form is right. */
function checkOrder(place: Place, order: Fields, source: Resource): void {
  const type = place.kind === 'disks' ? typeOf(order) : undefined;
  const properties = recordOf(order['properties']);
  const option = String(creationOf(order, 'createOption'));
  const zones = Array.isArray(order['zones']) ? order['zones'].map(String) : [];
  const refuse = (isWrong: boolean, what: string): void => {
    if (isWrong) throw new ArmRefusal(400, 'InvalidParameter', what);
  };
  refuse(!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$/.test(place.name), 'The name is not valid.');
  refuse(!locations.includes(String(order['location'])), 'The location is not available.');
  refuse(!isOneOf(KnownDiskCreateOption, option), 'createOption is unknown.');
  const encryption = fieldOf(properties['encryption'], 'type');
  refuse(
    encryption !== undefined && !isOneOf(KnownEncryptionType, encryption),
    'encryption.type is unknown.',
  );
  refuse(type !== undefined && !isOneOf(KnownDiskStorageAccountTypes, type), 'sku.name is unknown.');
  refuse(zones.length > 1 || !zones.every((zone) => zoneNumbers.includes(zone)), 'zones is not valid.');
  refuse(type?.endsWith('_ZRS') === true && zones.length > 0, 'A zone-redundant disk is in no zone.');
  const isAdjusted = ['diskIOPSReadWrite', 'diskMBpsReadWrite'].some(
    (name) => properties[name] !== undefined,
  );
  refuse(isAdjusted && !adjustable.includes(type ?? ''), 'diskIOPSReadWrite cannot be set for this sku.');
  const isElsewhere = order['location'] !== source.body['location'];
  refuse(option === 'Copy' && isElsewhere, 'The source is in another region.');
  const isIncremental = fieldOf(source.body['properties'], 'incremental') === true;
  refuse(option === 'CopyStart' && !isIncremental, 'CopyStart is for incremental snapshots.');
  const size = Number(properties['diskSizeGB'] ?? Infinity);
  refuse(
    size < Number(fieldOf(source.body['properties'], 'diskSizeGB')),
    'diskSizeGB is less than the source’s.',
  );
  checkTags(recordOf(order['tags'] ?? {}));
  const isCopied = source.copying === undefined || source.copying === 0;
  if (source.place.kind === 'snapshots' && (source.pending > 0 || source.fate !== 'ready' || !isCopied)) {
    throw new ArmRefusal(409, 'Conflict', `The snapshot ${source.place.name} is not ready.`);
  }
}

function checkTags(tags: Fields): void {
  const names = Object.keys(tags);
  const isWrong =
    names.length > 50 ||
    names.some((name) => /[<>%&\\?/]/.test(name) || name.length > 512) ||
    Object.values(tags).some((value) => typeof value !== 'string' || value.length > 256);
  if (isWrong) throw new ArmRefusal(400, 'InvalidTagNameCharacters', 'A tag is not valid.');
}

function creationOf(body: unknown, name: string): unknown {
  return fieldOf(fieldOf(fieldOf(body, 'properties'), 'creationData'), name);
}

function isOneOf(values: Readonly<Record<string, string>>, value: unknown): boolean {
  return Object.values(values).some((known) => known === value);
}

function recordOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
