import type { CloudFaultKind } from './cloud-double.ts';

/** Descriptions after which what was made is ready. */
const PENDING_LOOKS = 2;
/** Listings that do not have yet what was made by a call that lags. */
const HIDDEN_LISTINGS = 2;

export const ACCOUNT = '111122223333';
export const OTHER_ACCOUNT = '444455556666';
/** The key that Amazon keeps in every region. */
export function providerKey(region: string): string {
  return `arn:aws:kms:${region}:${ACCOUNT}:key/aws-ebs`;
}

/** What becomes of something that is being made. */
export type Fate = 'ready' | 'fails' | 'vanishes' | 'stuck';

/** What volumes and snapshots share. */
export interface Kept {
  readonly id: string;
  readonly region: string;
  readonly createdMs: number;
  readonly tags: Map<string, string>;
  state: 'pending' | 'ready' | 'failed';
  fate: Fate;
  looks: number;
  hiddenFrom: number;
  sizeGib: number;
  kmsKeyId: string | undefined;
}

export interface KeptVolume extends Kept {
  readonly zone: string;
  readonly type: string;
  readonly iops: number | undefined;
  readonly throughputMib: number | undefined;
  readonly attachedTo: readonly string[];
  readonly snapshotId: string | undefined;
  /** The disk that a machine was made with: nobody counts it. */
  readonly isBoot: boolean;
}

export interface KeptSnapshot extends Kept {
  readonly volumeId: string;
  readonly sharedWith: Set<string>;
}

/** A grant of a key. */
export interface KeptGrant {
  readonly id: string;
  readonly keyId: string;
  readonly name: string;
  readonly principal: string;
}

/** All that the double's account has, in all regions. */
export class Ec2State {
  readonly volumes = new Map<string, KeptVolume>();
  readonly snapshots = new Map<string, KeptSnapshot>();
  readonly grants = new Map<string, KeptGrant>();
  /** Customers' keys that can be used. */
  readonly keys = new Set<string>();
  /** By client token: the volume, and what was asked for. */
  readonly tokens = new Map<string, { readonly volume: KeptVolume; readonly order: string }>();
  #made = 0;
  readonly nowMs: () => number;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  newId(kind: 'vol' | 'snap' | 'grant'): string {
    this.#made += 1;
    return `${kind}-0${this.#made.toString(16).padStart(16, '0')}`;
  }

  machines(): ReadonlySet<string> {
    return new Set([...this.volumes.values()].flatMap(({ attachedTo }) => attachedTo));
  }

  volumesOf(machine: string): KeptVolume[] {
    return [...this.volumes.values()].filter(({ attachedTo }) => attachedTo.includes(machine));
  }

  /** Somebody looks at it, which is how time passes here; undefined when it is not there (any more). */
  look<Item extends Kept>(all: Map<string, Item>, id: string, region: string): Item | undefined {
    const item = all.get(id);
    if (item === undefined || item.region !== region) return undefined;
    item.looks += 1;
    if (item.state !== 'pending' || item.looks <= PENDING_LOOKS) return item;
    if (item.fate === 'vanishes') {
      all.delete(id);
      return undefined;
    }
    if (item.fate === 'ready') item.state = 'ready';
    if (item.fate === 'fails') item.state = 'failed';
    return item;
  }

  /** What a listing has now. */
  listed<Item extends Kept>(all: ReadonlyMap<string, Item>, region: string): Item[] {
    return [...all.values()].filter((item) => {
      const isHidden = item.hiddenFrom > 0;
      item.hiddenFrom = Math.max(0, item.hiddenFrom - 1);
      return !isHidden && item.region === region;
    });
  }

  showAll(): void {
    for (const item of [...this.volumes.values(), ...this.snapshots.values()]) item.hiddenFrom = 0;
  }
}

/** How something begins that a call makes which a fault strikes. */
export function begun(
  fault: CloudFaultKind | undefined,
): Pick<Kept, 'state' | 'fate' | 'looks' | 'hiddenFrom'> {
  const fates: Partial<Record<CloudFaultKind, Fate>> = {
    'fails-later': 'fails',
    'vanishes-later': 'vanishes',
    'stays-pending': 'stuck',
  };
  const fate = fault === undefined ? 'ready' : (fates[fault] ?? 'ready');
  return { state: 'pending', fate, looks: 0, hiddenFrom: fault === 'listing-lags' ? HIDDEN_LISTINGS : 0 };
}
