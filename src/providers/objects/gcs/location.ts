import { UsageError } from '../../../base/errors.ts';
import { endpointOrigin } from '../endpoint.ts';
import { readParameters } from '../location-parameters.ts';
import { isValidKey } from '../object-key.ts';

/** Where a bucket of Google Cloud Storage is and what part of it is meant; holds no secret. */
export interface GcsLocation {
  readonly kind: 'gcs';
  readonly bucket: string;
  /** What stands before every key, without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
  /** `http://host:port` or `https://host`; undefined for Google's own, or what the environment names. */
  readonly endpoint: string | undefined;
  /** The project that pays for requests, where the bucket's owner does not. */
  readonly userProject: string | undefined;
}

const FORMS = 'write gs://bucket/prefix?endpoint=https://host&user-project=name, or gs:bucket:/prefix';
const PARAMETERS: ReadonlySet<string> = new Set(['endpoint', 'user-project']);
/** Google's rule for names, those of domains included. */
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/;
/** An id of a project, older ones with their domain, or its number. */
const PROJECT = /^(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * Reads what follows `gs:` in a location: `//bucket/prefix?endpoint=...&user-project=...`, or restic's
 * `bucket:/prefix`. Throws UsageError, which never repeats the location: it may hold a password.
 */
export function parseGcsLocation(rest: string): GcsLocation {
  if (rest.startsWith('//')) return parseOwnForm(rest.slice(2));
  const [, bucket = '', prefix = ''] = /^([^:/?@]*):\/?(.*)$/s.exec(rest) ?? [];
  if (/[?@]/.test(rest)) throw wrong('this form of location takes no parameters and no credentials');
  if (!rest.includes(':')) throw wrong('the bucket’s name must end in a colon');
  return { ...place(bucket, prefix), endpoint: undefined, userProject: undefined };
}

/** The location as a URL that {@link parseGcsLocation} reads. */
export function formatGcsLocation({ bucket, prefix, endpoint, userProject }: GcsLocation): string {
  const parameters = [
    ...(endpoint === undefined ? [] : [`endpoint=${endpoint}`]),
    ...(userProject === undefined ? [] : [`user-project=${userProject}`]),
  ];
  const path = prefix === '' ? bucket : `${bucket}/${prefix}`;
  return `gs://${path}${parameters.length === 0 ? '' : `?${parameters.join('&')}`}`;
}

/** Scheme, host and port of an endpoint; throws UsageError for anything else. */
export function gcsEndpointOrigin(endpoint: string): string {
  return endpointOrigin(endpoint, { where: 'gs:', advice: FORMS });
}

function parseOwnForm(text: string): GcsLocation {
  const { path, parameters } = readParameters(text, PARAMETERS, wrong);
  if (/[@:]/.test(path)) throw wrong('a location must not hold credentials');
  const slash = path.indexOf('/');
  const endpoint = parameters.get('endpoint');
  return {
    ...(slash === -1 ? place(path, '') : place(path.slice(0, slash), path.slice(slash + 1))),
    endpoint: endpoint === null ? undefined : gcsEndpointOrigin(endpoint),
    userProject: checkedProject(parameters.get('user-project')),
  };
}

function place(bucket: string, path: string): Pick<GcsLocation, 'kind' | 'bucket' | 'prefix'> {
  const prefix = path.replace(/\/$/, '');
  if (bucket === '') throw wrong('the location names no bucket');
  if (!BUCKET.test(bucket)) throw wrong('not the name of a bucket');
  if (prefix !== '' && !isValidKey(prefix)) throw wrong('not a prefix that object keys can have');
  return { kind: 'gcs', bucket, prefix };
}

function checkedProject(project: string | null): string | undefined {
  if (project === null) return undefined;
  if (PROJECT.test(project)) return project;
  throw wrong('not the id of a project', 'user-project');
}

function wrong(what: string, where = 'gs:'): UsageError {
  return new UsageError(what, { where, advice: FORMS });
}
