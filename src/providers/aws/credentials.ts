import { fromEnv } from '@aws-sdk/credential-provider-env';
import { fromHttp } from '@aws-sdk/credential-provider-http';
import { fromIni } from '@aws-sdk/credential-provider-ini';
import { fromTokenFile } from '@aws-sdk/credential-provider-web-identity';
import { fromInstanceMetadata } from '@smithy/credential-provider-imds';
import { StoreError, TranshipError, describeError } from '../../base/errors.ts';
import type { S3Credentials, S3Settings } from '../objects/settings.ts';
import { isTransient } from './answer.ts';
import { profileProblem } from './profile-problem.ts';
import { createTransport } from './transport.ts';

/** Where credentials are found, and how a token service is reached. */
export type IdentitySettings = Pick<
  S3Settings,
  'credentials' | 'profile' | 'credentialsFile' | 'instanceMetadata' | 'caCertificates' | 'proxy'
>;
type IdentityProvider = ReturnType<typeof fromIni>;
type Identity = Awaited<ReturnType<IdentityProvider>>;

/**
 * Credentials as the settings name them; else the first of: AWS_ACCESS_KEY_ID, the profile of the shared files, a web
 * identity token (AWS_WEB_IDENTITY_TOKEN_FILE, read anew for each session); and only where the settings say so the
 * metadata service of the container or the machine.
 */
export function credentialsFor(settings: IdentitySettings, where: string): Identity | IdentityProvider {
  const { credentials, profile, credentialsFile } = settings;
  if (credentials !== undefined) return identityOf(credentials);
  const { caCertificates, proxy } = settings;
  // The token service is never one whose certificate nobody checks: what is sent to it is an identity.
  const clientConfig = { requestHandler: createTransport({ caCertificates, proxy }) };
  const shared = fromIni({
    // A new client is made where credentials have expired; it must see the file as it is by then.
    ignoreCache: true,
    clientConfig,
    ...(profile === undefined ? {} : { profile }),
    ...(credentialsFile === undefined ? {} : { filepath: credentialsFile }),
  });
  const isNamed = profile !== undefined || credentialsFile !== undefined;
  const checked = withProblem(shared, settings);
  const usual = isNamed ? [checked] : [fromEnv(), checked, fromTokenFile({ clientConfig })];
  return firstOf(
    settings.instanceMetadata === true ? [...usual, fromContainer, fromMachine()] : usual,
    where,
  );
}

function identityOf({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials): Identity {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** Says what is missing in a profile that has nothing to give, where something is. */
function withProblem(shared: IdentityProvider, settings: IdentitySettings): IdentityProvider {
  return async (properties) => {
    try {
      return await shared(properties);
    } catch (error) {
      if (!hasNothing(error)) throw error;
      throw (await profileProblem(settings)) ?? error;
    }
  };
}

/** ECS and EKS name the service in the environment; without that there is none. */
const fromContainer: IdentityProvider = async () => fromHttp()();

/** Version 1 of the protocol gives credentials to whoever can make the machine send a GET. */
function fromMachine(): IdentityProvider {
  return fromInstanceMetadata({ ec2MetadataV1Disabled: true, maxRetries: 2 });
}

function firstOf(providers: readonly IdentityProvider[], where: string): IdentityProvider {
  return async (properties) => {
    let failure: unknown;
    for (const provider of providers) {
      try {
        return await provider(properties);
      } catch (error) {
        failure = error;
        if (!hasNothing(error)) break;
      }
    }
    throw credentialsError(failure, where);
  };
}

/** The SDK's mark on "I know of no credentials", as opposed to credentials that are wrong. */
function hasNothing(error: unknown): boolean {
  return error instanceof Error && 'tryNextLink' in error && error.tryNextLink === true;
}

function credentialsError(cause: unknown, where: string): TranshipError {
  if (cause instanceof TranshipError) return cause;
  if (hasNothing(cause)) {
    return new StoreError('unauthenticated', 'no credentials were found for AWS', {
      where,
      advice:
        'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of the shared credentials file',
      cause,
    });
  }
  const what = `the credentials cannot be had: ${describeError(cause).slice(0, 200)}`;
  return new StoreError('unauthenticated', what, { where, cause, retryable: isTransient(cause) });
}
