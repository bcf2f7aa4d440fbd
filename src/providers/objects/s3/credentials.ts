import { fromEnv } from '@aws-sdk/credential-provider-env';
import { fromIni } from '@aws-sdk/credential-provider-ini';
import { fromTokenFile } from '@aws-sdk/credential-provider-web-identity';
import { StoreError, describeError } from '../../../base/errors.ts';
import type { S3Credentials, S3Settings } from '../settings.ts';
import { isTransient } from './s3-error.ts';

type IdentityProvider = ReturnType<typeof fromIni>;
type Identity = Awaited<ReturnType<IdentityProvider>>;

/**
 * Credentials as the settings name them; else the first of: AWS_ACCESS_KEY_ID, the profile of the shared files, a web
 * identity token (AWS_WEB_IDENTITY_TOKEN_FILE). A machine's instance metadata is never asked: off the cloud that only
 * waits, and on it the answer may be an identity that nobody meant.
 */
export function credentialsFor(settings: S3Settings, where: string): Identity | IdentityProvider {
  const { credentials, profile, credentialsFile } = settings;
  if (credentials !== undefined) return identityOf(credentials);
  const shared = fromIni({
    // A new client is made where credentials have expired; it must see the file as it is by then.
    ignoreCache: true,
    ...(profile === undefined ? {} : { profile }),
    ...(credentialsFile === undefined ? {} : { filepath: credentialsFile }),
  });
  const isNamed = profile !== undefined || credentialsFile !== undefined;
  return firstOf(isNamed ? [shared] : [fromEnv(), shared, fromTokenFile()], where);
}

function identityOf({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials): Identity {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
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

function credentialsError(cause: unknown, where: string): StoreError {
  if (hasNothing(cause)) {
    return new StoreError('unauthenticated', 'no credentials were found for the S3 store', {
      where,
      advice:
        'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of the shared credentials file',
      cause,
    });
  }
  const what = `the credentials cannot be had: ${describeError(cause).slice(0, 200)}`;
  return new StoreError('unauthenticated', what, { where, cause, retryable: isTransient(cause) });
}
