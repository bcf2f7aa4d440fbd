import { GetBucketLocationCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Renewable } from '../renewable.ts';
import { amazonEndpointIn, isAmazonHost } from './location.ts';

const REGION = /^[a-z0-9-]{1,64}$/;

/** A region, and the endpoint by which requests get there. */
export interface BucketPlace {
  readonly region: string;
  /** Undefined where the SDK makes Amazon's of the region. */
  readonly endpoint: string | undefined;
}

/** Where a server said that the bucket is, against what location and environment say. */
export class FoundRegion {
  #place: BucketPlace | undefined;

  /** Undefined while nobody has said so. */
  get place(): BucketPlace | undefined {
    return this.#place;
  }

  /**
   * Has the clients made anew for this region, which is not theirs. True when the next request may succeed: once, since
   * what sends us from region to region has none of them. Never where the user has named a host of Amazon's that is of
   * one region alone.
   */
  async take(region: string, client: S3Client, clients: Renewable<S3Client>): Promise<boolean> {
    const asked = await client.config.endpoint?.();
    if (clients.isReplaced(client)) return true;
    if (this.#place !== undefined) return false;
    const endpoint = asked === undefined ? undefined : endpointIn(region, originOf(asked));
    if (asked !== undefined && endpoint === undefined) return false;
    this.#place = { region, endpoint };
    clients.replace(client);
    return true;
  }
}

/** As the SDK's configuration has it. */
interface SdkEndpoint {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
}

/** Undefined where this endpoint leads to no other region. */
function endpointIn(region: string, endpoint: string): string | undefined {
  return isAmazonHost(new URL(endpoint).hostname) ? amazonEndpointIn(region, endpoint) : endpoint;
}

function originOf({ protocol, hostname, port }: SdkEndpoint): string {
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
}

/** The region of the bucket as a refusal tells it, in a header or in its text; undefined where it is about others. */
export function regionInRefusal(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const status = statusOf(error);
  if (status !== 301 && status !== 307 && status !== 400) return undefined;
  const region = headerOf(error, 'x-amz-bucket-region') ?? ('Region' in error ? error.Region : undefined);
  return typeof region === 'string' && REGION.test(region) ? region : undefined;
}

/** As `regionInRefusal`; where the refused request was a HEAD, whose answer has no text, another one is sent. */
export async function regionAfter(
  error: unknown,
  { client, bucket, signal }: { client: S3Client; bucket: string; signal: AbortSignal },
): Promise<string | undefined> {
  const region = regionInRefusal(error);
  if (region !== undefined || !isNamelessRefusal(error)) return region;
  try {
    await client.send(new GetBucketLocationCommand({ Bucket: bucket }), { abortSignal: signal });
    return undefined;
  } catch (reason) {
    return regionInRefusal(reason);
  }
}

/** What the SDK makes of a 400 without a text. */
function isNamelessRefusal(error: unknown): boolean {
  return (
    error instanceof Error &&
    statusOf(error) === 400 &&
    ['Unknown', 'UnknownError', '400'].includes(error.name)
  );
}

function statusOf(error: Error): unknown {
  const response = responseOf(error);
  return response === undefined || !('statusCode' in response) ? undefined : response.statusCode;
}

function headerOf(error: Error, name: string): unknown {
  const response = responseOf(error);
  if (response === undefined || !('headers' in response)) return undefined;
  const { headers } = response;
  if (typeof headers !== 'object' || headers === null) return undefined;
  return new Map<string, unknown>(Object.entries(headers)).get(name);
}

function responseOf(error: Error): object | undefined {
  if (!('$response' in error)) return undefined;
  return typeof error.$response === 'object' && error.$response !== null ? error.$response : undefined;
}
