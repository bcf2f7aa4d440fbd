import { UsageError } from '../../../base/errors.ts';
import { endpointOrigin } from '../endpoint.ts';
import { readParameters } from '../location-parameters.ts';
import { isValidKey } from '../object-key.ts';

/** Where a bucket is and what part of it is meant; holds no secret. */
export interface S3Location {
  readonly kind: 's3';
  readonly bucket: string;
  /** What stands before every key, without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
  /** `http://host:port` or `https://host`; undefined for Amazon's own, or what the environment names. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  /** Whether the bucket stands in the path of requests; undefined for what suits the endpoint. */
  readonly pathStyle: boolean | undefined;
}

/** Amazon's own hosts, those of private networks and of FIPS included. */
const AMAZON = /(^|\.)amazonaws\.com(\.cn)?$/;
const FORMS = 'write s3://bucket/prefix?endpoint=https://host&region=name, or s3:https://host/bucket/prefix';
const PARAMETERS: ReadonlySet<string> = new Set(['endpoint', 'region', 'path-style']);
/** Amazon's rule, with the upper-case letters and underscores that old buckets and other servers have. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/;

/** One of Amazon's hosts that differ by their region alone, and that region; the oldest one names none. */
const AMAZON_REGION =
  /^(https?):\/\/s3(?:[.-](dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com(\.cn)?$/;

/**
 * Reads what follows `s3:` in a location: `//bucket/prefix?endpoint=...&region=...&path-style=true|false`, or restic's
 * `http://host:port/bucket/prefix`, `https://host/bucket/prefix` and `host/bucket/prefix`. Throws UsageError, which
 * never repeats the location: it may hold a password.
 */
export function parseS3Location(rest: string): S3Location {
  if (rest.startsWith('//')) return parseOwnForm(rest.slice(2));
  return parseResticForm(/^https?:\/\//.test(rest) ? rest : `https://${rest}`);
}

/** The location as a URL that {@link parseS3Location} reads. */
export function formatS3Location(location: S3Location): string {
  const { bucket, prefix, endpoint, region, pathStyle } = location;
  const parameters = [
    ...(endpoint === undefined ? [] : [`endpoint=${endpoint}`]),
    ...(region === undefined ? [] : [`region=${region}`]),
    ...(pathStyle === undefined ? [] : [`path-style=${String(pathStyle)}`]),
  ];
  const path = prefix === '' ? bucket : `${bucket}/${prefix}`;
  return `s3://${path}${parameters.length === 0 ? '' : `?${parameters.join('&')}`}`;
}

function parseOwnForm(text: string): S3Location {
  const { path, parameters } = readParameters(text, PARAMETERS, wrong);
  const endpoint = parameters.get('endpoint');
  return {
    ...splitPath(path),
    endpoint: endpoint === null ? undefined : s3EndpointOrigin(endpoint),
    region: checkedRegion(parameters.get('region')),
    pathStyle: booleanOf(parameters.get('path-style')),
  };
}

function parseResticForm(url: string): S3Location {
  if (url.includes('?')) throw wrong('this form of location takes no parameters');
  const [, origin = '', path = ''] = /^(https?:\/\/[^/]*)\/?(.*)$/s.exec(url) ?? [];
  const endpoint = s3EndpointOrigin(origin);
  return { ...splitPath(path), endpoint, region: AMAZON_REGION.exec(endpoint)?.[3], pathStyle: undefined };
}

function splitPath(path: string): Pick<S3Location, 'kind' | 'bucket' | 'prefix'> {
  const slash = path.indexOf('/');
  const bucket = slash === -1 ? path : path.slice(0, slash);
  const prefix = slash === -1 ? '' : path.slice(slash + 1).replace(/\/$/, '');
  if (bucket === '') throw wrong('the location names no bucket');
  if (/[@:]/.test(path)) throw wrong('a location must not hold credentials');
  if (!BUCKET.test(bucket)) throw wrong('not the name of a bucket');
  if (prefix !== '' && !isValidKey(prefix)) throw wrong('not a prefix that object keys can have');
  return { kind: 's3', bucket, prefix };
}

/**
 * The endpoint of another region that is otherwise like this one of Amazon's; undefined for those that are of their
 * region alone (of a private network, FIPS) or of no region, and for other servers.
 */
export function amazonEndpointIn(region: string, endpoint: string): string | undefined {
  const [, scheme, dualstack = '', , suffix = ''] = AMAZON_REGION.exec(endpoint) ?? [];
  return scheme === undefined ? undefined : `${scheme}://s3.${dualstack}${region}.amazonaws.com${suffix}`;
}

/** True for hosts of Amazon's, whatever kind of endpoint they are. */
export function isAmazonHost(hostname: string): boolean {
  return AMAZON.test(hostname);
}

/** Scheme, host and port of an endpoint; throws UsageError for anything else. */
export function s3EndpointOrigin(endpoint: string): string {
  return endpointOrigin(endpoint, { where: 's3:', advice: FORMS });
}

function checkedRegion(region: string | null): string | undefined {
  if (region === null) return undefined;
  if (/^[A-Za-z0-9-]{1,64}$/.test(region)) return region;
  throw wrong('not the name of a region');
}

function booleanOf(text: string | null): boolean | undefined {
  if (text === null) return undefined;
  if (text === 'true' || text === 'false') return text === 'true';
  throw wrong('path-style must be true or false');
}

function wrong(what: string, where = 's3:'): UsageError {
  return new UsageError(what, { where, advice: FORMS });
}
