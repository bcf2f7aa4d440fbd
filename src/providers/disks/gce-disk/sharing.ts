import { DiskError } from '../../../base/errors.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import type { DiskEncryption, SnapshotShare } from '../driver.ts';
import type { ComputeClient } from './client.ts';
import { leavesOpen } from '../retry.ts';
import { checkKey } from './encryption.ts';
import { POLICY_VERSION, conditionFor, hasGrant, policyOf, withGrant, withoutGrant } from './iam-policy.ts';
import type { IamGrant, IamPolicy } from './iam-policy.ts';
import { parseSnapshotId } from './resource-id.ts';

/** The narrowest predefined role that can make disks of a snapshot; it is given on this one snapshot. */
const SNAPSHOT_ROLE = 'roles/compute.storageAdmin';
const KEY_ROLE = 'roles/cloudkms.cryptoKeyEncrypterDecrypter';

type KeyGrant = NonNullable<SnapshotShare['keyGrant']>;

export interface SharingOptions extends AbortableOptions {
  /** Origin of Cloud KMS. */
  readonly kmsEndpoint: string;
}

/** Something with a policy: a snapshot or a key. */
interface Guarded {
  read(): Promise<IamPolicy>;
  write(policy: IamPolicy): Promise<void>;
}

/**
 * Lets all service accounts of a project, by its id or number, make disks of a snapshot; and lets Compute Engine use
 * its key for that project.
 */
export async function shareSnapshot(
  client: ComputeClient,
  snapshotId: string,
  account: string,
  { encryption, ...options }: SharingOptions & { readonly encryption: DiskEncryption },
): Promise<SnapshotShare> {
  checkKey(encryption, snapshotId);
  const accountNumber = await numberOf(client, account, options);
  const key =
    encryption.kind === 'customer-key'
      ? await grantKey(client, { keyId: encryption.keyId, snapshotId, accountNumber }, options)
      : undefined;
  try {
    const isNew = await grant(
      guardedSnapshot(client, snapshotId, options),
      snapshotGrantOf({ account, accountNumber }),
    );
    const { keyGrant } = key ?? {};
    return {
      snapshotId,
      account,
      accountNumber,
      ...(isNew ? {} : { isNew }),
      ...(keyGrant === undefined ? {} : { keyGrant }),
    };
  } catch (error) {
    // Nobody would learn of it: the caller gets no share that could be undone. One that was there is of a share before.
    if (key?.isNew === true && key.keyGrant !== undefined) {
      const guarded = guardedKey(client, key.keyGrant, options);
      await revoke(guarded, keyGrantOf(snapshotId, accountNumber)).catch(() => undefined);
    }
    throw error;
  }
}

/** What is gone already, the snapshot itself included, is no error. */
export async function unshareSnapshot(
  client: ComputeClient,
  share: SnapshotShare,
  options: SharingOptions,
): Promise<void> {
  const { snapshotId, account, accountNumber = account, isNew = true, keyGrant } = share;
  if (isNew) await revoke(guardedSnapshot(client, snapshotId, options), snapshotGrantOf(share));
  if (keyGrant === undefined) return;
  await revoke(guardedKey(client, keyGrant, options), keyGrantOf(snapshotId, accountNumber));
}

/**
 * A binding of its own for each snapshot: one that all share would be taken from all when one is taken back. Without a
 * grant where the project's agent may use the key by somebody else's leave.
 */
async function grantKey(
  client: ComputeClient,
  {
    keyId,
    snapshotId,
    accountNumber,
  }: { readonly keyId: string; readonly snapshotId: string; readonly accountNumber: string },
  options: SharingOptions,
): Promise<{ readonly keyGrant?: KeyGrant; readonly isNew: boolean }> {
  const key = guardedKey(client, { keyId }, options);
  const wanted = keyGrantOf(snapshotId, accountNumber);
  const policy = await key.read();
  if (hasGrant(policy, { ...wanted, condition: undefined })) return { isNew: false };
  const isNew = await grant(key, wanted, policy);
  return { keyGrant: { keyId, grantId: wanted.condition.title }, isNew };
}

/** False where the policy has the grant already; `known` is what has just been read. */
async function grant(guarded: Guarded, wanted: IamGrant, known?: IamPolicy): Promise<boolean> {
  const changed = withGrant(known ?? (await guarded.read()), wanted);
  if (changed === undefined) return false;
  try {
    await guarded.write(changed);
  } catch (error) {
    // Whoever asks again would find it given, and take it for one that was there before.
    if (!leavesOpen(error) || !hasGrant(await guarded.read(), wanted)) throw error;
  }
  return true;
}

async function revoke(guarded: Guarded, given: IamGrant): Promise<void> {
  try {
    const changed = withoutGrant(await guarded.read(), given);
    if (changed !== undefined) await guarded.write(changed);
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'not-found') throw error;
  }
}

/** Its etag goes back with the policy, so that a change that another makes meanwhile is not lost. */
function guardedSnapshot(client: ComputeClient, id: string, { signal }: AbortableOptions): Guarded {
  const { project, name: resource } = parseSnapshotId(id);
  return {
    read: () =>
      client.call({ where: id, action: 'compute.snapshots.getIamPolicy', signal }, async (sdk, options) => {
        const request = { project, resource, optionsRequestedPolicyVersion: POLICY_VERSION };
        const [policy] = await sdk.snapshots.getIamPolicy(request, options);
        return policyOf(policy);
      }),
    write: ({ version, etag, bindings, auditConfigs }) =>
      client.call({ where: id, action: 'compute.snapshots.setIamPolicy', signal }, async (sdk, options) => {
        const policy = {
          version,
          etag,
          auditConfigs: [...auditConfigs],
          bindings: bindings.map(({ role, members, condition }) => ({
            role,
            members: [...members],
            ...(condition === undefined ? {} : { condition }),
          })),
        };
        await sdk.snapshots.setIamPolicy(
          { project, resource, globalSetPolicyRequestResource: { policy } },
          options,
        );
      }),
  };
}

function guardedKey(
  client: ComputeClient,
  { keyId }: { readonly keyId: string },
  { kmsEndpoint, signal }: SharingOptions,
): Guarded {
  const url = `${kmsEndpoint}/v1/${keyId}`;
  return {
    read: async () => {
      const call = { where: keyId, action: 'cloudkms.cryptoKeys.getIamPolicy', signal };
      return policyOf(
        await client.callUrl(call, `${url}:getIamPolicy?options.requestedPolicyVersion=${POLICY_VERSION}`),
      );
    },
    write: async ({ auditConfigs, ...policy }) => {
      const call = { where: keyId, action: 'cloudkms.cryptoKeys.setIamPolicy', signal };
      const all = auditConfigs.length === 0 ? policy : { ...policy, auditConfigs };
      await client.callUrl(call, `${url}:setIamPolicy`, { policy: all });
    },
  };
}

/** Policies name projects by number, which the name of a project's default service account begins with. */
async function numberOf(
  client: ComputeClient,
  project: string,
  { signal }: AbortableOptions,
): Promise<string> {
  if (/^\d+$/.test(project)) return project;
  const where = `projects/${project}`;
  const account = await client.call(
    { where, action: 'compute.projects.get', signal },
    async (sdk, options) => {
      const [found] = await sdk.projects.get({ project }, options);
      return found.defaultServiceAccount ?? '';
    },
  );
  const number = /^(\d+)-/.exec(account)?.[1];
  if (number !== undefined) return number;
  throw new DiskError('unsupported', 'the project’s number cannot be found out', {
    where,
    advice: 'name the project by its number',
  });
}

/** All service accounts of a project. */
function snapshotGrantOf({
  account,
  accountNumber = account,
}: Pick<SnapshotShare, 'account' | 'accountNumber'>): IamGrant {
  const project = `principalSet://cloudresourcemanager.googleapis.com/projects/${accountNumber}`;
  return { role: SNAPSHOT_ROLE, member: `${project}/type/ServiceAccount` };
}

/** Who encrypts and decrypts disks for a project, for the sake of one snapshot. */
function keyGrantOf(snapshotId: string, projectNumber: string) {
  const { name } = parseSnapshotId(snapshotId);
  return {
    role: KEY_ROLE,
    member: `serviceAccount:service-${projectNumber}@compute-system.iam.gserviceaccount.com`,
    condition: conditionFor(`tranship-${name}`, snapshotId),
  } satisfies IamGrant;
}
