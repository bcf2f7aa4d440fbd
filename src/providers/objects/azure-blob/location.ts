import { UsageError } from '../../../base/errors.ts';
import { parameterText, readParameters } from '../location-parameters.ts';
import { isValidKey } from '../object-key.ts';

/** Where a container is and what part of it is meant; holds no secret. */
export interface AzureBlobLocation {
  readonly kind: 'azure-blob';
  /** The storage account; undefined where credentials or the environment name it, as restic has it. */
  readonly account: string | undefined;
  readonly container: string;
  /** What stands before every key, without slashes at its ends; empty for the whole container. */
  readonly prefix: string;
  /** The URL before the container's name; undefined for that of the account in its cloud. */
  readonly endpoint: string | undefined;
}

const FORMS = 'write azblob://account/container/prefix?endpoint=https://host, or azure:container:/prefix';
const PARAMETERS: ReadonlySet<string> = new Set(['endpoint']);
/** Azure's rule is 3 to 24 letters and digits; its secondary places and other servers have hyphens. */
const ACCOUNT = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const CONTAINER = /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/**
 * Reads what follows `azblob:` in a location: `//account/container/prefix?endpoint=URL`. Throws UsageError, which never
 * repeats the location: it may hold a signature.
 */
export function parseAzureBlobLocation(rest: string): AzureBlobLocation {
  const { path, parameters } = readParameters(rest, PARAMETERS, wrong);
  if (!path.startsWith('//')) throw wrong('the location names no account');
  const [account = '', container = '', ...segments] = path.slice(2).split('/');
  refuseCredentials(path);
  if (account === '') throw wrong('the location names no account');
  if (!ACCOUNT.test(account)) throw wrong('not the name of a storage account');
  const endpoint = parameters.get('endpoint');
  return {
    kind: 'azure-blob',
    account,
    ...placeOf(container, segments.join('/')),
    endpoint: endpoint === null ? undefined : endpointUrl(endpoint),
  };
}

/** Reads what follows `azure:` in restic's form, `container:/prefix`; its account is named elsewhere. */
export function parseResticAzureLocation(rest: string): AzureBlobLocation {
  const colon = rest.indexOf(':');
  const container = colon === -1 ? rest : rest.slice(0, colon);
  const prefix = colon === -1 ? '' : rest.slice(colon + 1).replace(/^\/+/, '');
  if (rest.includes('?')) throw wrong('this form of location takes no parameters');
  refuseCredentials(container + prefix);
  return { kind: 'azure-blob', account: undefined, ...placeOf(container, prefix), endpoint: undefined };
}

/** The location as a URL that leads to the same place. */
export function formatAzureBlobLocation(location: AzureBlobLocation): string {
  const { account, container, prefix, endpoint } = location;
  if (account === undefined) return `azure:${container}:/${prefix}`;
  const path = prefix === '' ? container : `${container}/${prefix}`;
  return `azblob://${account}/${path}${endpoint === undefined ? '' : `?endpoint=${parameterText(endpoint)}`}`;
}

/** An endpoint without a slash at its end; throws UsageError for what is none. */
export function endpointUrl(endpoint: string): string {
  if (!URL.canParse(endpoint)) throw wrong('the endpoint is not a URL');
  const url = new URL(endpoint);
  if (url.username !== '' || url.password !== '' || url.search !== '') {
    throw wrong('an endpoint must not hold credentials or parameters');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw wrong('the endpoint must begin with http:// or https://');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function placeOf(container: string, path: string): Pick<AzureBlobLocation, 'container' | 'prefix'> {
  const prefix = path.replace(/\/$/, '');
  if (container === '') throw wrong('the location names no container');
  if (!CONTAINER.test(container)) {
    throw wrong('not the name of a container: 3 to 63 small letters, digits and single hyphens');
  }
  if (prefix !== '' && !isValidKey(prefix)) throw wrong('not a prefix that object keys can have');
  return { container, prefix };
}

function refuseCredentials(path: string): void {
  if (/[@:]/.test(path)) throw wrong('a location must not hold credentials');
}

function wrong(what: string, where = 'azblob:'): UsageError {
  return new UsageError(what, { where, advice: FORMS });
}
