import { UsageError } from '../base/errors.ts';
import { isValidKey } from '../providers/objects/object-key.ts';
import { parseStoreLocation } from '../providers/objects/open.ts';
import { grantsOfRole } from './store-rights.ts';
import type { StoreGrant, StoreRight, StoreRole } from './store-rights.ts';

/** Whose way of writing policies. */
export type PolicyProvider = 'aws' | 'gcp' | 'azure';

export const policyProviders: readonly PolicyProvider[] = ['aws', 'gcp', 'azure'];

/** Stands in a policy where no bucket is named, to be replaced. */
const ANY_BUCKET = 'BUCKET';

/** Characters of a list in one line. */
const MAX_LIST = 90;

/** What a policy is for. */
export interface StorePolicyOptions {
  /** A bucket, on Azure a container. Default `BUCKET`, to be replaced. */
  readonly bucket?: string | undefined;
  /** What stands before the repository's keys, without slashes at its ends. Default: nothing. */
  readonly prefix?: string | undefined;
}

interface Place {
  readonly bucket: string;
  readonly prefix: string;
}

/**
 * The policy that allows a role what it needs and nothing else, as the provider's own program takes it: JSON for an IAM
 * user or role of AWS, YAML of custom roles for Google Cloud, JSON of a custom role for Azure. The latter two have
 * roles for whole buckets; the conditions that narrow them to folders stand in them as text, for the binding. Throws
 * UsageError for a bucket or a prefix that there cannot be, as a pattern would allow more than is meant.
 *
 * @example
 * console.log(storePolicy('aws', 'restore', { bucket: 'replica', prefix: 'volumes' }));
 */
export function storePolicy(
  provider: PolicyProvider,
  role: StoreRole,
  options: StorePolicyOptions = {},
): string {
  const { bucket = ANY_BUCKET, prefix = '' } = options;
  checkPlace(provider, { bucket, prefix });
  return writers[provider](role, { bucket, prefix: prefix === '' ? '' : `${prefix}/` });
}

const schemes: Readonly<Record<PolicyProvider, string>> = { aws: 's3://', gcp: 'gs://', azure: 'azure:' };

function checkPlace(provider: PolicyProvider, { bucket, prefix }: Place): void {
  if (prefix !== '' && !isValidKey(prefix)) {
    throw new UsageError('not a prefix that object keys can have', { where: 'prefix' });
  }
  if (bucket !== ANY_BUCKET && !isNameOf(`${schemes[provider]}${bucket}`, bucket)) {
    throw new UsageError('not the name of a bucket', {
      where: 'bucket',
      advice: 'name one, without a pattern',
    });
  }
}

function isNameOf(text: string, bucket: string): boolean {
  try {
    const location = parseStoreLocation(text);
    if (location.kind === 'azure-blob') return location.container === bucket;
    return (location.kind === 's3' || location.kind === 'gcs') && location.bucket === bucket;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

const writers: Readonly<Record<PolicyProvider, (role: StoreRole, place: Place) => string>> = {
  aws: (role, { bucket, prefix }) => json(awsPolicy(grantsOfRole[role], bucket, prefix)),
  gcp: gcpRoles,
  azure: azureRole,
};

/** A statement of AWS's language of policies. */
interface AwsStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: { readonly StringLike: { readonly 's3:prefix': readonly string[] } };
}

const awsActions: Readonly<Record<StoreRight, readonly string[]>> = {
  list: ['s3:ListBucket'],
  read: ['s3:GetObject'],
  // A large pack is uploaded in parts, which are removed when the pass is cancelled.
  write: ['s3:PutObject', 's3:AbortMultipartUpload'],
  delete: ['s3:DeleteObject'],
};

/** Allows some grants on what is below a prefix, which ends with a slash or is empty. */
export function awsPolicy(
  grants: readonly StoreGrant[],
  bucket: string,
  prefix: string,
): { readonly Version: string; readonly Statement: readonly AwsStatement[] } {
  return { Version: '2012-10-17', Statement: grants.map((grant) => awsStatement(grant, bucket, prefix)) };
}

function awsStatement({ name, right, places }: StoreGrant, bucket: string, prefix: string): AwsStatement {
  const arn = `arn:aws:s3:::${bucket}`;
  const common = { Sid: name, Effect: 'Allow', Action: awsActions[right] } as const;
  if (right === 'list') {
    const condition = { StringLike: { 's3:prefix': places.map((place) => pathsOf(prefix, place)) } };
    return { ...common, Resource: [arn], Condition: condition };
  }
  return { ...common, Resource: places.map((place) => `${arn}/${pathsOf(prefix, place)}`) };
}

/** The one object of a place, or all that a folder holds. */
function pathsOf(prefix: string, place: string): string {
  return `${prefix}${place}${place.endsWith('/') ? '*' : ''}`;
}

const gcpPermissions: Readonly<Record<StoreRight, string>> = {
  list: 'storage.objects.list',
  read: 'storage.objects.get',
  write: 'storage.objects.create',
  delete: 'storage.objects.delete',
};

/** Two roles, since a condition belongs to a binding: one for what is allowed everywhere, one for locks. */
function gcpRoles(role: StoreRole, { bucket, prefix }: Place): string {
  const objects = `projects/_/buckets/${bucket}/objects/${prefix}`;
  const onBucket = 'resource.type == "storage.googleapis.com/Bucket"';
  const below = (folder: string): string => `resource.name.startsWith("${objects}${folder}")`;
  const isLocksOnly = ({ places }: StoreGrant): boolean => places.length === 1;
  const grants = grantsOfRole[role];
  const rights = grants.filter((grant) => !isLocksOnly(grant)).map(({ right }) => right);
  const lockRights = grants.filter(isLocksOnly).map(({ right }) => right);
  const whole = gcpRole(
    `tranship ${role}`,
    rights,
    prefix === '' ? undefined : `${onBucket} || ${below('')}`,
  );
  if (lockRights.length === 0) return whole;
  return `${whole}---\n${gcpRole(`tranship ${role}, locks`, lockRights, below('locks/'))}`;
}

function gcpRole(title: string, rights: readonly StoreRight[], condition: string | undefined): string {
  const lines = [
    ...(condition === undefined ? [] : ['# Bind it to the bucket with this condition:', `# ${condition}`]),
    `title: ${title}`,
    'stage: GA',
    'includedPermissions:',
    ...rights.map((right) => `  - ${gcpPermissions[right]}`),
  ];
  return `${lines.join('\n')}\n`;
}

const azureBlobs = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs';
const azureActions: Readonly<Record<StoreRight, readonly string[]>> = {
  // Listing is reading, there.
  list: [],
  read: [`${azureBlobs}/read`],
  write: [`${azureBlobs}/write`, `${azureBlobs}/add/action`],
  delete: [`${azureBlobs}/delete`],
};

function azureRole(role: StoreRole, { bucket, prefix }: Place): string {
  const grants = grantsOfRole[role];
  const conditions = grants.flatMap(({ right, places }) => {
    const actions = azureActions[right].map((action) => `!(ActionMatches{'${action}'})`);
    const paths = places.map((place) => pathsOf(prefix, place));
    const list = paths.map((path) => `'${path}'`).join(', ');
    if (right === 'list' || right === 'read') return [];
    return [
      `((${actions.join(' AND ')}) OR (@Resource[${azureBlobs}:path] ForAnyOfAnyValues:StringLike {${list}}))`,
    ];
  });
  return json({
    Name: `tranship ${role} on ${bucket}`,
    IsCustom: true,
    Description: `Assign it with this condition, version 2.0: ${conditions.join(' AND ')}`,
    Actions: [],
    NotActions: [],
    DataActions: grants.flatMap(({ right }) => azureActions[right]),
    NotDataActions: [],
    AssignableScopes: ['/subscriptions/SUBSCRIPTION/resourceGroups/GROUP'],
  });
}

/** Lists stand in one line where they fit. */
function json(value: object): string {
  const text = JSON.stringify(value, undefined, 2).replace(
    /\[\s+([^[\]{}]*?)\s+\]/g,
    (list, items: string) => {
      const line = `[${items.replace(/\s*\n\s*/g, ' ')}]`;
      return line.length > MAX_LIST ? list : line;
    },
  );
  return `${text}\n`;
}
