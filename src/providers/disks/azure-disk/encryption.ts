import type { Encryption } from '@azure/arm-compute';
import { DiskError } from '../../../base/errors.ts';
import type { DiskEncryption } from '../driver.ts';
import { actions } from './permissions.ts';
import { formatResourceId, parseResourceId, readResourceId } from './resource-id.ts';
import type { AzureDiskRequests } from './requests.ts';

const PLATFORM_KEY = 'EncryptionAtRestWithPlatformKey';

/** Everything on Azure is encrypted, by Azure's key where no encryption set of the user's says otherwise. */
export function encryptionOf(encryption: Encryption | undefined): DiskEncryption {
  const keyId = encryption?.diskEncryptionSetId;
  if (keyId === undefined || keyId === '') return { kind: 'provider-key' };
  const id = readResourceId(keyId, 'diskEncryptionSets');
  return { kind: 'customer-key', keyId: id === undefined ? keyId : formatResourceId(id) };
}

/**
 * What Azure is to be told. It wants to know of an encryption set whether it has one layer of keys or two: the source
 * of a copy tells that of its own, and the set itself otherwise.
 */
export async function azureEncryption(
  wanted: DiskEncryption,
  source: Encryption | undefined,
  { requests, signal }: { readonly requests: AzureDiskRequests; readonly signal: AbortSignal | undefined },
): Promise<Encryption> {
  if (wanted.kind !== 'customer-key') return { type: PLATFORM_KEY };
  const id = parseResourceId(wanted.keyId, 'diskEncryptionSets');
  const diskEncryptionSetId = formatResourceId(id);
  const own = encryptionOf(source);
  const isOwn = own.kind === 'customer-key' && own.keyId.toLowerCase() === diskEncryptionSetId.toLowerCase();
  if (isOwn && source?.type !== undefined) return { type: source.type, diskEncryptionSetId };
  const set = await requests.find(
    (client, abortSignal) => client.diskEncryptionSets.get(id.resourceGroup, id.name, { abortSignal }),
    {
      where: diskEncryptionSetId,
      action: actions.readEncryptionSet,
      subscription: id.subscription,
      signal,
    },
  );
  if (set?.encryptionType !== undefined) return { type: set.encryptionType, diskEncryptionSetId };
  throw new DiskError('not-found', 'the disk encryption set does not exist', {
    where: diskEncryptionSetId,
    advice: 'name one that is in the location of what is made, or have Azure’s key used',
  });
}
