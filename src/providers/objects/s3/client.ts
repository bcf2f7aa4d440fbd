import { S3Client } from '@aws-sdk/client-s3';
import { StoreError } from '../../../base/errors.ts';
import { credentialsFor } from './credentials.ts';
import { isOpenNetwork, openNetworkError } from '../endpoint.ts';
import { s3EndpointOrigin } from './location.ts';
import type { S3Location } from './location.ts';
import { RequestHandler } from './request-handler.ts';
import type { S3Settings } from '../settings.ts';

/** Amazon's own hosts take the bucket in the host name; what else there is often knows it only in the path. */
const AMAZON = /(^|\.)amazonaws\.com(\.cn)?$/;

/** Of statuses below 500, those that say "not now". */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The SDK's client as this store needs it: it tries once, adds no checksums of its own, and says no to plain HTTP. */
export async function createClient(location: S3Location, settings: S3Settings): Promise<S3Client> {
  const configured = settings.endpoint === undefined ? undefined : s3EndpointOrigin(settings.endpoint);
  const endpoint = location.endpoint ?? configured;
  const where = endpoint ?? `s3://${location.bucket}`;
  const credentials = credentialsFor(settings, where);
  const region = location.region ?? (await configuredRegion(settings.profile));
  const client = new S3Client({
    region,
    credentials,
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
    requestHandler: new RequestHandler(),
  });
  refuseOpenNetworks(client, settings.allowHttp ?? false);
  refuseWebPages(client, where);
  return client;
}

function wantsPathStyle(bucket: string, endpoint: string | undefined): boolean {
  if (endpoint === undefined) return bucket.includes('.');
  return bucket.includes('.') || !AMAZON.test(new URL(endpoint).hostname);
}

/** From AWS_REGION or the profile, as the SDK reads them; servers without regions take any. */
async function configuredRegion(profile: string | undefined): Promise<string> {
  const probe = new S3Client(profile === undefined ? {} : { profile });
  try {
    return await probe.config.region();
  } catch {
    return 'us-east-1';
  } finally {
    probe.destroy();
  }
}

/** Refuses requests that would go unencrypted over a network. */
function refuseOpenNetworks(client: S3Client, allowHttp: boolean): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args;
      if (!allowHttp && isRequest(request) && isOpenNetwork(request))
        throw openNetworkError(request.hostname);
      return next(args);
    },
    { step: 'finalizeRequest', name: 'transhipTransport', override: true },
  );
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

interface Request {
  readonly protocol: string;
  readonly hostname: string;
}

function isRequest(request: unknown): request is Request {
  return typeof request === 'object' && request !== null && 'protocol' in request && 'hostname' in request;
}

function answerIn(error: unknown): unknown {
  return typeof error === 'object' && error !== null && '$response' in error ? error.$response : undefined;
}

/** A web page with success or a refusal, not what gateways answer while a server is down or busy. */
function isPage(response: unknown): boolean {
  if (typeof response !== 'object' || response === null) return false;
  if (!('headers' in response) || !('statusCode' in response)) return false;
  const { headers, statusCode } = response;
  if (typeof headers !== 'object' || headers === null || typeof statusCode !== 'number') return false;
  const type = 'content-type' in headers ? String(headers['content-type']) : '';
  const isPassing = statusCode >= 500 || PASSING.has(statusCode);
  return !isPassing && type.startsWith('text/html') && !('x-amz-request-id' in headers);
}

function pageError(where: string, cause?: unknown): StoreError {
  return new StoreError('unsupported', 'the endpoint answered with a web page, not as an S3 server', {
    where,
    advice: 'check host and port of the endpoint',
    ...(cause === undefined ? {} : { cause }),
  });
}
