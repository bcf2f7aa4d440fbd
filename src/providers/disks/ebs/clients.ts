import { EC2Client } from '@aws-sdk/client-ec2';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { STSClient } from '@aws-sdk/client-sts';
import type { MiddlewareStack } from '@smithy/types';
import { UsageError } from '../../../base/errors.ts';
import { credentialsFor } from '../../aws/credentials.ts';
import { guardRequests } from '../../aws/request-guard.ts';
import { createTransport } from '../../aws/transport.ts';
import type { ConnectionWarnings } from '../../objects/connection-warnings.ts';
import { endpointOrigin } from '../../objects/endpoint.ts';
import type { AwsDiskSettings } from '../settings.ts';

const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/;

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The SDK's clients as this driver needs them: they try once, and say no to plain HTTP. */
export class Clients {
  readonly #settings: AwsDiskSettings;
  readonly #warnings: ConnectionWarnings;

  constructor(settings: AwsDiskSettings, warnings: ConnectionWarnings) {
    this.#settings = settings;
    this.#warnings = warnings;
  }

  async ec2(region: string): Promise<EC2Client> {
    const client = new EC2Client(this.#config(region, this.#settings.endpoint, `EC2 in ${region}`));
    this.#guard(client.middlewareStack);
    return client;
  }

  /** Loads the client of a service that many runs do not need. */
  async kms(region: string): Promise<KMSClient> {
    const sdk = await import('@aws-sdk/client-kms');
    const config = this.#config(region, this.#settings.kmsEndpoint, `KMS in ${region}`);
    const client = new sdk.KMSClient(config);
    this.#guard(client.middlewareStack);
    return client;
  }

  /** Likewise. */
  async sts(region: string): Promise<STSClient> {
    const sdk = await import('@aws-sdk/client-sts');
    const config = this.#config(region, this.#settings.stsEndpoint, `STS in ${region}`);
    const client = new sdk.STSClient(config);
    this.#guard(client.middlewareStack);
    return client;
  }

  #config(region: string, endpoint: string | undefined, name: string) {
    const { profile, insecureTls } = this.#settings;
    const where = endpoint === undefined ? name : endpointOrigin(endpoint, { where: name });
    if (insecureTls === true) this.#warnings.uncheckedCertificate(where);
    return {
      region,
      credentials: credentialsFor(this.#settings, where),
      ...(endpoint === undefined ? {} : { endpoint: where }),
      ...(profile === undefined ? {} : { profile }),
      // A library goes where its settings say, not where the process's environment does.
      ignoreConfiguredEndpointUrls: true,
      // It would print to the console.
      logger: silent,
      // A second try may make a second snapshot: who calls decides.
      maxAttempts: 1,
      requestHandler: createTransport(this.#settings),
    };
  }

  #guard<I extends object, O extends object>(stack: Pick<MiddlewareStack<I, O>, 'add'>): void {
    guardRequests(stack, (request) => {
      this.#warnings.openNetwork(request, this.#settings.allowHttp ?? false);
    });
  }
}

/** The region as given, else as environment and profile name it. Throws UsageError where there is none. */
export async function checkedRegion(
  given: string | undefined,
  { profile }: AwsDiskSettings,
): Promise<string> {
  const region = given ?? (await configuredRegion(profile));
  if (region === undefined) {
    throw new UsageError('no region of AWS is named', { advice: 'name one, or set AWS_REGION' });
  }
  if (!REGION.test(region)) throw new UsageError('not the name of a region of AWS', { where: region });
  return region;
}

async function configuredRegion(profile: string | undefined): Promise<string | undefined> {
  const probe = new EC2Client(profile === undefined ? {} : { profile });
  try {
    return await probe.config.region().catch(() => undefined);
  } finally {
    probe.destroy();
  }
}
