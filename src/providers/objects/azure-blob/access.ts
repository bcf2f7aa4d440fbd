import { StoreError, UsageError } from '../../../base/errors.ts';
import { isOpenNetwork, openNetworkError, openTokenError } from '../endpoint.ts';
import type { AzureBlobCredentials, AzureBlobSettings } from '../settings.ts';
import { cloudNamed } from '../../azure/clouds.ts';
import { parseConnectionString } from './connection-string.ts';
import type { AzureConnection } from './connection-string.ts';
import { endpointUrl, formatAzureBlobLocation } from './location.ts';
import type { AzureBlobLocation } from './location.ts';
import { credentialsIn, lookUp, variableSources } from '../../azure/variables.ts';
import type { FoundCredentials, VariableSource } from '../../azure/variables.ts';

/** Everything that it takes to send a request: which account, where, as whom. */
export interface AzureBlobAccess {
  readonly account: string;
  /** The URL before the container's name, without a slash at its end. */
  readonly endpoint: string;
  readonly credentials: Exclude<AzureBlobCredentials, { readonly kind: 'connection-string' }>;
  /** Where the credentials stand, for messages: `AZURE_ACCOUNT_KEY in the environment`. */
  readonly source: string;
  /** Who issues tokens. */
  readonly authorityHost: string;
}

/**
 * Puts together what the location, the settings, the credentials file and the environment say, in this order. Rejects
 * with UsageError for what is wrong or contradicts itself, naming its place; with StoreError `unauthenticated` where
 * there are no credentials.
 */
export async function resolveAccess(
  location: AzureBlobLocation,
  settings: AzureBlobSettings,
): Promise<AzureBlobAccess> {
  const sources = await variableSources(settings);
  const found = foundCredentials(settings, sources) ?? noCredentials(location, sources);
  const { credentials, connection } = withoutConnectionString(found);
  checkSecret(credentials, found.source);
  const account = accountOf(location, sources, connection, found.source);
  const [cloudName, cloudPlace] = lookUp(sources, 'AZURE_CLOUD_NAME');
  const cloud = cloudNamed(cloudName, cloudPlace);
  const [suffix] = lookUp(sources, 'AZURE_ENDPOINT_SUFFIX');
  const configured = settings.endpoint === undefined ? undefined : endpointUrl(settings.endpoint);
  const endpointSuffix = suffix ?? connection?.endpointSuffix ?? cloud.endpointSuffix;
  const endpoint =
    location.endpoint ?? configured ?? connection?.endpoint ?? `https://${account}.blob.${endpointSuffix}`;
  checkEndpoint(endpoint, credentials, settings);
  const [namedHost = cloud.authorityHost] = lookUp(sources, 'AZURE_AUTHORITY_HOST');
  const { authorityHost = namedHost } = settings;
  return { account, endpoint, credentials, source: found.source, authorityHost };
}

function foundCredentials(
  { credentials }: AzureBlobSettings,
  sources: readonly VariableSource[],
): FoundCredentials | undefined {
  return credentials === undefined
    ? credentialsIn(sources)
    : { credentials, source: 'credentials in the settings' };
}

function noCredentials(location: AzureBlobLocation, sources: readonly VariableSource[]): never {
  const [first] = sources;
  const isFile = first !== undefined && first.name !== 'the environment';
  const names =
    'AZURE_ACCOUNT_KEY, AZURE_ACCOUNT_SAS, AZURE_STORAGE_CONNECTION_STRING or AZURE_CLIENT_SECRET';
  throw new StoreError(
    'unauthenticated',
    isFile ? 'the credentials file holds no credentials' : 'no credentials were found for the Azure store',
    { where: isFile ? first.name : formatAzureBlobLocation(location), advice: `set ${names}` },
  );
}

function withoutConnectionString({ credentials, source }: FoundCredentials): {
  readonly credentials: AzureBlobAccess['credentials'];
  readonly connection: AzureConnection | undefined;
} {
  if (credentials.kind !== 'connection-string') return { credentials, connection: undefined };
  const connection = parseConnectionString(credentials.connectionString, source);
  return { credentials: connection.credentials, connection };
}

function checkSecret(credentials: AzureBlobAccess['credentials'], source: string): void {
  if (credentials.kind === 'account-key') {
    const { accountKey } = credentials;
    if (/^[A-Za-z0-9+/]+={0,2}$/.test(accountKey) && accountKey.length % 4 === 0) return;
    throw new UsageError('the account key is not base64', {
      where: source,
      advice: 'copy the whole key, with the = at its end',
    });
  }
  if (credentials.kind === 'sas' && !new URLSearchParams(credentials.sas.replace(/^\?/, '')).has('sig')) {
    throw new UsageError('the shared access signature lacks sig=', {
      where: source,
      advice: 'copy the whole of it, and quote it: & means something to a shell',
    });
  }
}

function accountOf(
  location: AzureBlobLocation,
  sources: readonly VariableSource[],
  connection: AzureConnection | undefined,
  source: string,
): string {
  if (connection !== undefined && location.account !== undefined && connection.account !== location.account) {
    throw new UsageError(`the connection string is of account ${connection.account}`, {
      where: source,
      advice: `the location names ${location.account}`,
    });
  }
  const [named] = lookUp(sources, 'AZURE_ACCOUNT_NAME');
  const [other] = lookUp(sources, 'AZURE_STORAGE_ACCOUNT');
  const account = location.account ?? connection?.account ?? named ?? other;
  if (account !== undefined) return account;
  throw new UsageError('no storage account is named', {
    where: formatAzureBlobLocation(location),
    advice: 'set AZURE_ACCOUNT_NAME, or write azblob://account/container/prefix',
  });
}

function checkEndpoint(
  endpoint: string,
  { kind }: AzureBlobAccess['credentials'],
  { allowHttp = false }: AzureBlobSettings,
): void {
  const url = new URL(endpoint);
  if (isOpenNetwork(url) && !allowHttp) throw openNetworkError(url.host);
  const isToken = kind !== 'account-key' && kind !== 'sas';
  if (!isToken || url.protocol === 'https:') return;
  throw openTokenError(url.origin, 'use https://, or an account key');
}
