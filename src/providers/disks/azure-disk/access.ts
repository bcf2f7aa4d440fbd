import { DiskError, UsageError } from '../../../base/errors.ts';
import { cloudNamed } from '../../azure/clouds.ts';
import type { IdentityCredentials } from '../../azure/identity.ts';
import { identityIn, lookUp, variableSources } from '../../azure/variables.ts';
import type { VariableSource } from '../../azure/variables.ts';
import { endpointOrigin, openTokenError } from '../../objects/endpoint.ts';
import type { AzureDiskSettings } from '../settings.ts';
import { isSubscription } from './resource-id.ts';

/** Everything that it takes to ask Azure's management: of which subscription, where, as whom. */
export interface AzureDiskAccess {
  readonly subscription: string;
  readonly endpoint: string;
  /** What a token is asked for. */
  readonly scope: string;
  readonly credentials: IdentityCredentials;
  /** Where the credentials stand, for messages: `AZURE_CLIENT_SECRET in the environment`. */
  readonly source: string;
  /** Who issues tokens. */
  readonly authorityHost: string;
}

/**
 * Puts together what the settings, the credentials file and the environment say, in this order. Rejects with UsageError
 * for what is wrong, naming its place; with DiskError `unauthenticated` where there are no credentials.
 */
export async function resolveAccess(settings: AzureDiskSettings): Promise<AzureDiskAccess> {
  const sources = await variableSources(settings);
  const { credentials, source } = identityIn(sources) ?? noCredentials(sources);
  const cloud = cloudNamed(...lookUp(sources, 'AZURE_CLOUD_NAME'));
  const [namedHost = cloud.authorityHost] = lookUp(sources, 'AZURE_AUTHORITY_HOST');
  return {
    subscription: subscriptionOf(settings, sources),
    endpoint: endpointOf(settings.endpoint ?? cloud.managementEndpoint),
    scope: `${cloud.managementEndpoint}/.default`,
    credentials,
    source,
    authorityHost: settings.authorityHost ?? namedHost,
  };
}

function noCredentials([first]: readonly VariableSource[]): never {
  const isFile = first !== undefined && first.name !== 'the environment';
  throw new DiskError(
    'unauthenticated',
    isFile
      ? 'the credentials file names nobody who may manage disks'
      : 'no credentials were found for Azure’s management',
    {
      where: isFile ? first.name : 'azure',
      advice:
        'set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET: keys of a storage account do not reach disks',
    },
  );
}

function subscriptionOf({ subscriptionId }: AzureDiskSettings, sources: readonly VariableSource[]): string {
  const [named, place] = lookUp(sources, 'AZURE_SUBSCRIPTION_ID');
  const subscription = (subscriptionId ?? named)?.toLowerCase();
  const advice = 'set AZURE_SUBSCRIPTION_ID beside the credentials: az account show --query id';
  if (subscription === undefined) throw new UsageError('no subscription of Azure is named', { advice });
  if (isSubscription(subscription)) return subscription;
  const where = subscriptionId === undefined ? place : 'the subscription in the settings';
  throw new UsageError('not the id of a subscription', { where, advice });
}

function endpointOf(endpoint: string): string {
  const origin = endpointOrigin(endpoint, { advice: 'write https://host:port of Azure’s management' });
  if (!origin.startsWith('https://')) throw openTokenError(origin, 'use https://');
  return origin;
}
