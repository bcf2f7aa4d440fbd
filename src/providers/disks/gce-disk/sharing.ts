import { DiskError } from '../../../base/errors.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import type { DiskEncryption, SnapshotShare } from '../driver.ts';
import type { ComputeClient } from './client.ts';
import { leavesOpen } from '../retry.ts';
import { checkKey } from './encryption.ts';
import { POLICY_VERSION, policyOf, withMember, withoutMember } from './iam-policy.ts';
import type { IamPolicy } from './iam-policy.ts';
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
  const projectNumber = await numberOf(client, account, options);
  const keyGrant =
    encryption.kind === 'customer-key'
      ? await grantKey(client, encryption.keyId, `serviceAccount:${serviceAgentOf(projectNumber)}`, options)
      : undefined;
  try {
    await grant(guardedSnapshot(client, snapshotId, options), SNAPSHOT_ROLE, membersOf(projectNumber));
  } catch (error) {
    // Nobody would learn of it: the caller gets no share that could be undone.
    if (keyGrant !== undefined) await revokeKey(client, keyGrant, options).catch(() => undefined);
    throw error;
  }
  return { snapshotId, account, ...(keyGrant === undefined ? {} : { keyGrant }) };
}

/** What is gone already, the snapshot itself included, is no error. */
export async function unshareSnapshot(
  client: ComputeClient,
  { snapshotId, account, keyGrant }: SnapshotShare,
  options: SharingOptions,
): Promise<void> {
  const projectNumber = await numberOf(client, account, options);
  await revoke(guardedSnapshot(client, snapshotId, options), SNAPSHOT_ROLE, membersOf(projectNumber));
  if (keyGrant !== undefined) await revokeKey(client, keyGrant, options);
}

/** Undefined where the key could be used before. */
async function grantKey(
  client: ComputeClient,
  keyId: string,
  member: string,
  options: SharingOptions,
): Promise<KeyGrant | undefined> {
  const isNew = await grant(guardedKey(client, keyId, options), KEY_ROLE, member);
  return isNew ? { keyId, grantId: member } : undefined;
}

async function revokeKey(
  client: ComputeClient,
  { keyId, grantId }: KeyGrant,
  options: SharingOptions,
): Promise<void> {
  await revoke(guardedKey(client, keyId, options), KEY_ROLE, grantId);
}

/** False where the member has the role already. */
async function grant(guarded: Guarded, role: string, member: string): Promise<boolean> {
  const changed = withMember(await guarded.read(), role, member);
  if (changed === undefined) return false;
  try {
    await guarded.write(changed);
  } catch (error) {
    // Whoever asks again would find the role given, and take it for one that was there before.
    if (!leavesOpen(error) || withMember(await guarded.read(), role, member) !== undefined) throw error;
  }
  return true;
}

async function revoke(guarded: Guarded, role: string, member: string): Promise<void> {
  try {
    const changed = withoutMember(await guarded.read(), role, member);
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

function guardedKey(client: ComputeClient, keyId: string, { kmsEndpoint, signal }: SharingOptions): Guarded {
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
function membersOf(projectNumber: string): string {
  return `principalSet://cloudresourcemanager.googleapis.com/projects/${projectNumber}/type/ServiceAccount`;
}

/** Who encrypts and decrypts disks for a project. */
function serviceAgentOf(projectNumber: string): string {
  return `service-${projectNumber}@compute-system.iam.gserviceaccount.com`;
}
