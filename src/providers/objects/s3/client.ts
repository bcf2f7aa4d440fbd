import { S3Client } from '@aws-sdk/client-s3';
import { StoreError, UsageError } from '../../../base/errors.ts';
import { credentialsFor } from '../../aws/credentials.ts';
import { guardRequests } from '../../aws/request-guard.ts';
import type { GuardedRequest } from '../../aws/request-guard.ts';
import { createTransport } from '../../aws/transport.ts';
import type { ConnectionWarnings } from '../connection-warnings.ts';
import { isOpenNetwork } from '../endpoint.ts';
import type { S3Settings } from '../settings.ts';
import { isWebPage } from '../web-page.ts';
import type { BucketPlace } from './bucket-region.ts';
import { isAmazonHost, s3EndpointOrigin } from './location.ts';
import type { S3Location } from './location.ts';
import { RequestHandler } from './request-handler.ts';

/** The names of buckets that a host name can begin with, and that a certificate for `*.` covers. */
const HOST_LABEL = /^[a-z0-9-]+$/;

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface ClientOptions {
  /** Where the bucket was found to be, against what location and environment say. */
  readonly place?: BucketPlace | undefined;
  readonly warnings: ConnectionWarnings;
}

/** The SDK's client as this store needs it: it tries once, adds no checksums of its own, and says no to plain HTTP. */
export async function createClient(
  location: S3Location,
  settings: S3Settings,
  { place, warnings }: ClientOptions,
): Promise<S3Client> {
  const { region, endpoint } = place ?? (await namedPlace(location, settings));
  const where = endpoint ?? `s3://${location.bucket}`;
  const requestHandler = createTransport(settings, (options) => new RequestHandler(options));
  if (settings.insecureTls === true) warnings.uncheckedCertificate(where);
  const client = new S3Client({
    region,
    credentials: credentialsFor(settings, where),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(settings.profile === undefined ? {} : { profile: settings.profile }),
    forcePathStyle: location.pathStyle ?? wantsPathStyle(location.bucket, endpoint),
    // It would print to the console.
    logger: silent,
    // Every attempt is ours: ours are counted, shown and bounded.
    maxAttempts: 1,
    // The signature covers the SHA-256 of every body, which servers check; a second checksum costs time and breaks
    // servers that do not know it.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Asking first costs a round trip on every large put.
    expectContinueHeader: false,
    requestHandler,
  });
  guardRequests(client.middlewareStack, (request) => {
    warnings.openNetwork(request, settings.allowHttp ?? false);
    refuseOpenKey(request);
  });
  refuseWebPages(client, where);
  return client;
}

/** Amazon's own hosts take the bucket in the host name; what else there is often knows it only in the path. */
function wantsPathStyle(bucket: string, endpoint: string | undefined): boolean {
  if (!HOST_LABEL.test(bucket)) return true;
  return endpoint !== undefined && !isAmazonHost(new URL(endpoint).hostname);
}

/** As location and settings say, else environment and profile, as the SDK reads them. */
async function namedPlace(location: S3Location, { endpoint, profile }: S3Settings): Promise<BucketPlace> {
  const probe = new S3Client(profile === undefined ? {} : { profile });
  try {
    // Left to the SDK, an endpoint of the environment would not be known here.
    const named = endpoint ?? (await probe.config.serviceConfiguredEndpoint?.());
    return {
      // Servers without regions take any.
      region: location.region ?? (await probe.config.region().catch(() => 'us-east-1')),
      endpoint: location.endpoint ?? (named === undefined ? undefined : s3EndpointOrigin(named)),
    };
  } finally {
    probe.destroy();
  }
}

function refuseOpenKey(request: GuardedRequest): void {
  if (!isOpenNetwork(request) || !('x-amz-server-side-encryption-customer-key' in request.headers)) return;
  throw new UsageError('a customer’s key is not sent over plain HTTP', {
    where: `http://${request.hostname}`,
    advice: 'use https://',
  });
}

/** Refuses answers that no object store gives: behind a wrong endpoint anything may answer. */
function refuseWebPages(client: S3Client, where: string): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args).catch((error: unknown) => {
        throw isPage(answerIn(error)) ? pageError(where, error) : error;
      });
      if (isPage(result.response)) throw pageError(where);
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'transhipAnswer', override: true },
  );
}

function answerIn(error: unknown): unknown {
  return typeof error === 'object' && error !== null && '$response' in error ? error.$response : undefined;
}

function isPage(response: unknown): boolean {
  if (typeof response !== 'object' || response === null) return false;
  if (!('headers' in response) || !('statusCode' in response)) return false;
  const { headers, statusCode } = response;
  if (typeof headers !== 'object' || headers === null || typeof statusCode !== 'number') return false;
  const type = 'content-type' in headers ? String(headers['content-type']) : '';
  return isWebPage(statusCode, type) && !('x-amz-request-id' in headers);
}

function pageError(where: string, cause?: unknown): StoreError {
  return new StoreError('unsupported', 'the endpoint answered with a web page, not as an S3 server', {
    where,
    advice: 'check host and port of the endpoint',
    ...(cause === undefined ? {} : { cause }),
  });
}
