import type { GrantOperation } from '@aws-sdk/client-kms';
import { DiskError } from '../../../base/errors.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import type { DiskEncryption } from '../driver.ts';
import { leavesOpen } from '../retry.ts';
import type { CallerIdentity } from './identity.ts';
import type { Regions } from './regions.ts';
import type { ServiceRegion } from './service-region.ts';

/** The key that Amazon keeps for EBS in each account and region. */
export const PROVIDER_KEY = 'alias/aws/ebs';

/** What EBS needs to make a volume of a snapshot in the name of another account. */
const grantedOperations: GrantOperation[] = [
  'CreateGrant',
  'Decrypt',
  'DescribeKey',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
];

/** What EC2 says of a volume's or a snapshot's encryption. */
export interface Encrypted {
  readonly Encrypted?: boolean | undefined;
  readonly KmsKeyId?: string | undefined;
}

interface KeyArn {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** A grant that has been made. */
export interface KeyGrant {
  readonly keyId: string;
  readonly grantId: string;
}

/** What is wanted of a key; `name` tells the grant from all others. */
export interface WantedGrant {
  readonly keyId: string;
  readonly account: string;
  readonly name: string;
}

export interface GivenGrant {
  readonly keyGrant: KeyGrant;
  /** False where it was there before. */
  readonly isNew: boolean;
}

/** The keys of KMS that volumes and snapshots are encrypted by. */
export class Keys {
  readonly #regions: Regions;
  readonly #identity: CallerIdentity;
  readonly #known = new Map<string, DiskEncryption>();

  constructor(regions: Regions, identity: CallerIdentity) {
    this.#regions = regions;
    this.#identity = identity;
  }

  /** Whose key it is: KMS says so, once for each key. One of another account is always a customer's. */
  async encryptionOf({ Encrypted, KmsKeyId }: Encrypted, options: AbortableOptions): Promise<DiskEncryption> {
    if (Encrypted !== true) return { kind: 'none' };
    if (KmsKeyId === undefined) return { kind: 'provider-key' };
    const known = this.#known.get(KmsKeyId);
    if (known !== undefined) return known;
    const found: DiskEncryption = (await this.#isAmazons(KmsKeyId, options))
      ? { kind: 'provider-key' }
      : { kind: 'customer-key', keyId: KmsKeyId };
    this.#known.set(KmsKeyId, found);
    return found;
  }

  /**
   * As `encryptionOf`, for the answer to a call that made something: that it was made must not be hidden by a question
   * that fails. What cannot be told is taken for a customer's, whose id is true for either.
   */
  async encryptionOfNew(made: Encrypted, options: AbortableOptions): Promise<DiskEncryption> {
    try {
      return await this.encryptionOf(made, options);
    } catch (error) {
      if (!(error instanceof DiskError) || made.KmsKeyId === undefined) throw error;
      return { kind: 'customer-key', keyId: made.KmsKeyId };
    }
  }

  /** Lets another account use a key for one snapshot; the grant of that name where it is there. */
  async grant(wanted: WantedGrant, options: AbortableOptions): Promise<GivenGrant> {
    const before = await this.#named(wanted, options);
    if (before !== undefined) return { keyGrant: before, isNew: false };
    try {
      return { keyGrant: await this.#create(wanted, options), isNew: true };
    } catch (error) {
      if (!leavesOpen(error)) throw error;
      // Nobody else would learn the id of what a lost answer has made.
      const made = await this.#named(wanted, options);
      if (made === undefined) throw error;
      return { keyGrant: made, isNew: true };
    }
  }

  async #create({ keyId, account, name }: WantedGrant, { signal }: AbortableOptions): Promise<KeyGrant> {
    const { CreateGrantCommand } = await import('@aws-sdk/client-kms');
    const action = 'kms:CreateGrant';
    const partition = parseKeyArn(keyId)?.partition ?? 'aws';
    const command = new CreateGrantCommand({
      KeyId: keyId,
      GranteePrincipal: `arn:${partition}:iam::${account}:root`,
      Operations: grantedOperations,
      Name: name,
    });
    const { GrantId } = await this.#regionOf(keyId).kms.send(
      (client, options) => client.send(command, options),
      { action, where: keyId, signal },
    );
    if (GrantId !== undefined) return { keyId, grantId: GrantId };
    throw new DiskError('unavailable', 'KMS gave no id of the grant', {
      where: keyId,
      action,
      retryable: true,
    });
  }

  async #named({ keyId, name }: WantedGrant, { signal }: AbortableOptions): Promise<KeyGrant | undefined> {
    const { ListGrantsCommand } = await import('@aws-sdk/client-kms');
    let marker: string | undefined;
    do {
      const command = new ListGrantsCommand({
        KeyId: keyId,
        ...(marker === undefined ? {} : { Marker: marker }),
      });
      const page = await this.#regionOf(keyId).kms.send((client, options) => client.send(command, options), {
        action: 'kms:ListGrants',
        where: keyId,
        signal,
      });
      const grantId = page.Grants?.find(({ Name }) => Name === name)?.GrantId;
      if (grantId !== undefined) return { keyId, grantId };
      marker = page.Truncated === true ? page.NextMarker : undefined;
    } while (marker !== undefined);
    return undefined;
  }

  /** One that is gone is no error. */
  async revoke({ keyId, grantId }: KeyGrant, { signal }: AbortableOptions): Promise<void> {
    const { RevokeGrantCommand } = await import('@aws-sdk/client-kms');
    const command = new RevokeGrantCommand({ KeyId: keyId, GrantId: grantId });
    try {
      await this.#regionOf(keyId).kms.send((client, options) => client.send(command, options), {
        action: 'kms:RevokeGrant',
        where: keyId,
        signal,
      });
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'not-found') throw error;
    }
  }

  async #isAmazons(keyId: string, options: AbortableOptions): Promise<boolean> {
    const arn = parseKeyArn(keyId);
    if (arn !== undefined && arn.account !== (await this.#identity.account(options))) return false;
    const { DescribeKeyCommand } = await import('@aws-sdk/client-kms');
    try {
      const { KeyMetadata } = await this.#regionOf(keyId).kms.send(
        (client, sending) => client.send(new DescribeKeyCommand({ KeyId: keyId }), sending),
        { action: 'kms:DescribeKey', where: keyId, signal: options.signal },
      );
      return KeyMetadata?.KeyManager === 'AWS';
    } catch (error) {
      // Amazon's own cannot be deleted.
      if (error instanceof DiskError && error.code === 'not-found') return false;
      throw error;
    }
  }

  #regionOf(keyId: string): ServiceRegion {
    const region = parseKeyArn(keyId)?.region;
    return region === undefined ? this.#regions.home : this.#regions.named(region);
  }
}

function parseKeyArn(keyId: string): KeyArn | undefined {
  const found = /^arn:([a-z-]+):kms:([a-z0-9-]+):(\d{12}):(?:key|alias)\//.exec(keyId);
  if (found === null) return undefined;
  const [, partition = '', region = '', account = ''] = found;
  return { partition, region, account };
}
