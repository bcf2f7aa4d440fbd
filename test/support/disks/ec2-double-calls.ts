import type { Field, Fields } from './aws-api.ts';
import type { CloudFaultKind } from './cloud-double.ts';
import {
  Refusal,
  number,
  passesTagFilters,
  putTags,
  specifiedTags,
  structure,
  structures,
  text,
  texts,
} from './ec2-double-input.ts';
import { ACCOUNT, begun, providerKey } from './ec2-double-state.ts';
import type { Ec2State, KeptSnapshot, KeptVolume } from './ec2-double-state.ts';

/** Few, so that every listing of a test has several pages. */
const PAGE_ITEMS = 2;

export const REGIONS: Readonly<Record<string, readonly string[]>> = {
  'eu-central-1': ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'],
  'us-west-2': ['us-west-2a', 'us-west-2b'],
};

const minimumGib: Readonly<Record<string, number>> = { io1: 4, io2: 4, st1: 125, sc1: 125 };

interface Call {
  readonly state: Ec2State;
  readonly region: string;
  readonly fault: CloudFaultKind | undefined;
}

type Handler = (input: Fields, call: Call) => Fields;

/** What EC2 does with each call. */
export const ec2Calls: Readonly<Record<string, Handler>> = {
  CreateSnapshot: (input, call) => {
    const volume = call.state.volumes.get(text(input, 'VolumeId'));
    if (volume === undefined || volume.region !== call.region) throw noVolume(text(input, 'VolumeId'));
    return snapshotFields(takeSnapshot(volume, specifiedTags(input, 'snapshot'), call));
  },

  CreateSnapshots: (input, call) => {
    const specification = structure(input, 'InstanceSpecification');
    const machine = text(specification, 'InstanceId');
    const attached = call.state.volumesOf(machine);
    if (attached.length === 0) throw noInstance(machine);
    const excluded = texts(specification, 'ExcludeDataVolumeIds');
    for (const id of excluded) {
      const volume = attached.find((candidate) => candidate.id === id);
      if (volume === undefined || volume.isBoot) {
        throw new Refusal('InvalidParameterValue', `${id} is not a data volume of ${machine}`);
      }
    }
    const isWanted = ({ id, isBoot }: KeptVolume): boolean =>
      !excluded.includes(id) && !(isBoot && specification['ExcludeBootVolume'] === true);
    const made = attached
      .filter(isWanted)
      .map((volume) => takeSnapshot(volume, specifiedTags(input, 'snapshot'), call));
    return {
      Snapshots: made.map((snapshot) => {
        const { StateMessage: _, KmsKeyId: __, ...fields } = snapshotFields(snapshot);
        return fields;
      }),
    };
  },

  CopySnapshot: (input, call) => {
    const source = call.state.snapshots.get(text(input, 'SourceSnapshotId'));
    if (source === undefined || source.region !== text(input, 'SourceRegion')) {
      throw noSnapshot(text(input, 'SourceSnapshotId'));
    }
    if (source.state !== 'ready') throw new Refusal('IncorrectState', `${source.id} is pending`);
    const isEncrypted = source.kmsKeyId !== undefined || input['Encrypted'] === true;
    const copy: KeptSnapshot = {
      ...newItem(call, 'snap', specifiedTags(input, 'snapshot')),
      sizeGib: source.sizeGib,
      kmsKeyId: isEncrypted ? keyFor(input, call.region) : undefined,
      // A copy does not know its volume.
      volumeId: 'vol-ffffffff',
      sharedWith: new Set(),
    };
    call.state.snapshots.set(copy.id, copy);
    return { SnapshotId: copy.id, Tags: tagFields(copy.tags) };
  },

  CreateTags: (input, { state }) => {
    for (const id of texts(input, 'Resources')) {
      const item = state.snapshots.get(id) ?? state.volumes.get(id);
      if (item === undefined) throw noSnapshot(id);
      putTags(item.tags, input);
    }
    return {};
  },

  DescribeSnapshots: (input, { state, region, fault }) => {
    const ids = texts(input, 'SnapshotIds');
    if (ids.length > 0) {
      return { Snapshots: ids.map((id) => snapshotFields(lookAtSnapshot(state, id, region))) };
    }
    const found = state
      .listed(state.snapshots, region)
      .filter(({ tags }) => passesTagFilters(tags, input) && fault !== 'listing-lags');
    return { ...page(found.map(snapshotFields), 'Snapshots', input) };
  },

  DeleteSnapshot: (input, { state, region }) => {
    const id = text(input, 'SnapshotId');
    if (state.snapshots.get(id)?.region !== region) throw noSnapshot(id);
    state.snapshots.delete(id);
    return {};
  },

  DescribeSnapshotAttribute: (input, { state, region }) => {
    const snapshot = lookAtSnapshot(state, text(input, 'SnapshotId'), region);
    if (text(input, 'Attribute') !== 'createVolumePermission') {
      throw new Refusal('InvalidParameterValue', text(input, 'Attribute'));
    }
    const CreateVolumePermissions = [...snapshot.sharedWith].map((UserId) => ({ UserId }));
    return { SnapshotId: snapshot.id, CreateVolumePermissions };
  },

  ModifySnapshotAttribute: (input, { state, region }) => {
    const snapshot = lookAtSnapshot(state, text(input, 'SnapshotId'), region);
    if (snapshot.kmsKeyId === providerKey(region)) {
      throw new Refusal('InvalidParameter', 'Encrypted snapshots with EBS default key cannot be shared');
    }
    for (const account of texts(input, 'UserIds')) {
      if (text(input, 'OperationType') === 'add') snapshot.sharedWith.add(account);
      else snapshot.sharedWith.delete(account);
    }
    return {};
  },

  CreateVolume: (input, call) => {
    const { state } = call;
    const token = text(input, 'ClientToken');
    const order = JSON.stringify(input);
    const before = state.tokens.get(token);
    if (before !== undefined) {
      if (before.order !== order) {
        throw new Refusal('IdempotentParameterMismatch', 'The client token was used with other parameters');
      }
      const made = state.volumes.get(before.volume.id);
      return made === undefined ? { ...volumeFields(before.volume), State: 'deleted' } : volumeFields(made);
    }
    const volume = makeVolume(input, call);
    state.volumes.set(volume.id, volume);
    state.tokens.set(token, { volume, order });
    // The answer does not tell how it ends.
    return { ...volumeFields(volume), State: 'creating', Attachments: undefined };
  },

  DescribeVolumes: (input, { state, region, fault }) => {
    const ids = texts(input, 'VolumeIds');
    if (ids.length > 0) {
      return {
        Volumes: ids.map((id) => {
          const volume = state.look(state.volumes, id, region);
          if (volume === undefined) throw noVolume(id);
          return volumeFields(volume);
        }),
      };
    }
    const found = state
      .listed(state.volumes, region)
      .filter(({ tags }) => passesTagFilters(tags, input) && fault !== 'listing-lags');
    return page(found.map(volumeFields), 'Volumes', input);
  },

  DeleteVolume: (input, { state, region }) => {
    const id = text(input, 'VolumeId');
    const volume = state.volumes.get(id);
    if (volume === undefined || volume.region !== region) throw noVolume(id);
    if (volume.attachedTo.length > 0) {
      throw new Refusal('VolumeInUse', `Volume ${id} is currently attached to ${volume.attachedTo.join()}`);
    }
    state.volumes.delete(id);
    return {};
  },

  DescribeInstances: (input, { state }) => ({
    Reservations: texts(input, 'InstanceIds').map((id) => {
      const volumes = state.volumesOf(id);
      if (volumes.length === 0) throw noInstance(id);
      const mappings = volumes.map(({ id: VolumeId, isBoot }, index) => ({
        DeviceName: isBoot ? '/dev/xvda' : `/dev/sd${String.fromCharCode(102 + index)}`,
        Ebs: { VolumeId },
      }));
      return { Instances: [{ InstanceId: id, RootDeviceName: '/dev/xvda', BlockDeviceMappings: mappings }] };
    }),
  }),

  DescribeAvailabilityZones: (_, { region }) => ({
    AvailabilityZones: (REGIONS[region] ?? []).map((ZoneName) => ({ ZoneName, State: 'available' })),
  }),

  DescribeRegions: (input) => {
    const wanted = structures(input, 'Filters').flatMap((filter) => texts(filter, 'Values'));
    const found = Object.keys(REGIONS).filter((name) => wanted.includes(name));
    return { Regions: found.map((RegionName) => ({ RegionName })) };
  },
};

function newItem({ state, region, fault }: Call, kind: 'vol' | 'snap', tags: Map<string, string>) {
  return { id: state.newId(kind), region, createdMs: state.nowMs(), tags, ...begun(fault) };
}

function takeSnapshot(volume: KeptVolume, tags: Map<string, string>, call: Call): KeptSnapshot {
  const snapshot: KeptSnapshot = {
    ...newItem(call, 'snap', tags),
    sizeGib: volume.sizeGib,
    kmsKeyId: volume.kmsKeyId,
    volumeId: volume.id,
    sharedWith: new Set(),
  };
  call.state.snapshots.set(snapshot.id, snapshot);
  return snapshot;
}

function makeVolume(input: Fields, call: Call): KeptVolume {
  const { state, region } = call;
  const zone = text(input, 'AvailabilityZone');
  if (!(REGIONS[region] ?? []).includes(zone)) throw new Refusal('InvalidZone.NotFound', `no zone ${zone}`);
  const snapshot = lookAtSnapshot(state, text(input, 'SnapshotId'), region);
  if (snapshot.state !== 'ready') throw new Refusal('IncorrectState', `${snapshot.id} is pending`);
  const sizeGib = number(input, 'Size') ?? snapshot.sizeGib;
  checkVolume(input, sizeGib, snapshot);
  const isEncrypted = snapshot.kmsKeyId !== undefined || input['Encrypted'] === true;
  const kmsKeyId = isEncrypted ? keyFor(input, region, snapshot.kmsKeyId) : undefined;
  const type = text(input, 'VolumeType');
  return {
    ...newItem(call, 'vol', specifiedTags(input, 'volume')),
    // That a key cannot be used turns out after the answer.
    ...(isUsable(kmsKeyId, call) ? {} : { fate: 'vanishes' as const }),
    zone,
    type,
    iops: number(input, 'Iops') ?? defaultIops(type, sizeGib),
    throughputMib: number(input, 'Throughput') ?? (type === 'gp3' ? 125 : undefined),
    sizeGib,
    kmsKeyId,
    attachedTo: [],
    snapshotId: snapshot.id,
    isBoot: false,
  };
}

function lookAtSnapshot(state: Ec2State, id: string, region: string): KeptSnapshot {
  const snapshot = state.look(state.snapshots, id, region);
  if (snapshot === undefined) throw noSnapshot(id);
  return snapshot;
}

function checkVolume(fields: Fields, sizeGib: number, snapshot: KeptSnapshot): void {
  const type = text(fields, 'VolumeType');
  const iops = number(fields, 'Iops');
  if (sizeGib < snapshot.sizeGib || sizeGib < (minimumGib[type] ?? 1)) {
    throw new Refusal('InvalidParameterValue', `Volume of ${sizeGib}GiB is too small`);
  }
  if (iops !== undefined && !['gp3', 'io1', 'io2'].includes(type)) {
    throw new Refusal(
      'InvalidParameterCombination',
      `The parameter iops is not supported for ${type} volumes.`,
    );
  }
  if (iops === undefined && (type === 'io1' || type === 'io2')) {
    throw new Refusal('MissingParameter', `The parameter iops must be specified for ${type} volumes.`);
  }
  if (fields['Throughput'] !== undefined && type !== 'gp3') {
    throw new Refusal(
      'InvalidParameterCombination',
      `The parameter throughput is not supported for ${type}.`,
    );
  }
}

function defaultIops(type: string, sizeGib: number): number | undefined {
  if (type === 'gp3') return 3000;
  return type === 'gp2' ? Math.max(100, sizeGib * 3) : undefined;
}

function keyFor(fields: Fields, region: string, inherited?: string): string {
  const named = text(fields, 'KmsKeyId');
  if (named === 'alias/aws/ebs') return providerKey(region);
  return named === '' ? (inherited ?? providerKey(region)) : named;
}

function isUsable(keyId: string | undefined, { state, region }: Call): boolean {
  return keyId === undefined || keyId === providerKey(region) || state.keys.has(keyId);
}

function snapshotFields(snapshot: KeptSnapshot) {
  const { state } = snapshot;
  return {
    SnapshotId: snapshot.id,
    VolumeId: snapshot.volumeId,
    OwnerId: ACCOUNT,
    State: { pending: 'pending', ready: 'completed', failed: 'error' }[state],
    StateMessage: state === 'failed' ? 'Given key ID is not accessible' : undefined,
    Progress: state === 'ready' ? '100%' : `${Math.min(99, snapshot.looks * 30)}%`,
    StartTime: new Date(snapshot.createdMs),
    VolumeSize: snapshot.sizeGib,
    Encrypted: snapshot.kmsKeyId !== undefined,
    KmsKeyId: snapshot.kmsKeyId,
    Tags: tagFields(snapshot.tags),
  };
}

function volumeFields(volume: KeptVolume) {
  const { attachedTo, state } = volume;
  const ready = attachedTo.length > 0 ? 'in-use' : 'available';
  return {
    VolumeId: volume.id,
    State: { pending: 'creating', ready, failed: 'error' }[state],
    Size: volume.sizeGib,
    VolumeType: volume.type,
    Iops: volume.iops,
    Throughput: volume.throughputMib,
    AvailabilityZone: volume.zone,
    SnapshotId: volume.snapshotId ?? '',
    CreateTime: new Date(volume.createdMs),
    Encrypted: volume.kmsKeyId !== undefined,
    KmsKeyId: volume.kmsKeyId,
    Attachments: attachedTo.map((InstanceId) => ({ InstanceId, VolumeId: volume.id, State: 'attached' })),
    // Amazon's own, which no driver may hand on.
    Tags: [...tagFields(volume.tags), { Key: 'aws:cloudformation:stack-name', Value: 'shop' }],
  };
}

function tagFields(tags: ReadonlyMap<string, string>) {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}

function page(items: readonly Field[], name: string, input: Fields): Fields {
  const size = number(input, 'MaxResults');
  if (size !== undefined && (size < 5 || size > 1000)) throw new Refusal('InvalidMaxResults', `${size}`);
  const from = Number(text(input, 'NextToken'));
  const next = from + PAGE_ITEMS < items.length ? String(from + PAGE_ITEMS) : undefined;
  return { [name]: items.slice(from, from + PAGE_ITEMS), NextToken: next };
}

function noVolume(id: string): Refusal {
  return new Refusal('InvalidVolume.NotFound', `The volume '${id}' does not exist.`);
}

function noSnapshot(id: string): Refusal {
  return new Refusal('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);
}

function noInstance(id: string): Refusal {
  return new Refusal('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
}
