import { UsageError } from '../../../base/errors.ts';
import type { AzureBlobCredentials } from '../settings.ts';
import { endpointUrl } from './location.ts';

/** What a connection string can hold. */
type ConnectionCredentials = Extract<AzureBlobCredentials, { readonly kind: 'account-key' | 'sas' }>;

/** What a connection string says of the blobs of an account. */
export interface AzureConnection {
  readonly account: string;
  /** Undefined for that of the account in its cloud. */
  readonly endpoint: string | undefined;
  readonly endpointSuffix: string | undefined;
  readonly credentials: ConnectionCredentials;
}

/** Azurite's, which its documentation tells everyone. */
const development =
  'DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;' +
  'AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;' +
  'BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1';

/** Reads `Name=value;...`. Throws UsageError, which names the part that is wrong, never its value. */
export function parseConnectionString(text: string, where: string): AzureConnection {
  const parts = partsOf(text, where);
  if (parts.get('usedevelopmentstorage')?.toLowerCase() === 'true') {
    return parseConnectionString(development, where);
  }
  const blobEndpoint = parts.get('blobendpoint');
  const endpoint = blobEndpoint === undefined ? undefined : checkedEndpoint(blobEndpoint, where);
  const account = parts.get('accountname') ?? accountIn(endpoint);
  if (account === undefined) throw malformed('it lacks AccountName', where);
  const endpointSuffix = parts.get('endpointsuffix');
  const isPlain = parts.get('defaultendpointsprotocol')?.toLowerCase() === 'http';
  if (isPlain && endpoint === undefined) {
    throw malformed('its DefaultEndpointsProtocol is not https, and it names no BlobEndpoint', where);
  }
  return { account, endpoint, endpointSuffix, credentials: credentialsIn(parts, where) };
}

function credentialsIn(parts: ReadonlyMap<string, string>, where: string): ConnectionCredentials {
  const accountKey = parts.get('accountkey');
  if (accountKey !== undefined) return { kind: 'account-key', accountKey };
  const sas = parts.get('sharedaccesssignature');
  if (sas !== undefined) return { kind: 'sas', sas };
  throw malformed('it lacks AccountKey or SharedAccessSignature', where);
}

function partsOf(text: string, where: string): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  for (const [index, part] of text.trim().split(';').entries()) {
    if (part.trim() === '') continue;
    const equals = part.indexOf('=');
    const name = part.slice(0, equals).trim();
    if (equals < 1 || !/^[A-Za-z]+$/.test(name)) throw malformed(`part ${index + 1} is no Name=value`, where);
    const value = part.slice(equals + 1).trim();
    if (value === '') throw malformed(`${name} is empty`, where);
    parts.set(name.toLowerCase(), value);
  }
  return parts;
}

function checkedEndpoint(endpoint: string, where: string): string {
  try {
    return endpointUrl(endpoint);
  } catch (error) {
    throw malformed('its BlobEndpoint is no URL that begins with http:// or https://', where, error);
  }
}

/** `https://ACCOUNT.blob.SUFFIX`; strings with a signature often name the account only so. */
function accountIn(endpoint: string | undefined): string | undefined {
  return /^https?:\/\/([a-z0-9-]+)\.blob\./.exec(endpoint ?? '')?.[1];
}

function malformed(what: string, where: string, cause?: unknown): UsageError {
  return new UsageError(`the connection string is malformed: ${what}`, {
    where,
    advice: 'copy it again from the account’s access keys',
    ...(cause === undefined ? {} : { cause }),
  });
}
