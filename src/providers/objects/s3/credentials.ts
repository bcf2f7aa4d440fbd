import { fromEnv } from '@aws-sdk/credential-provider-env';
import { fromIni } from '@aws-sdk/credential-provider-ini';
import { fromTokenFile } from '@aws-sdk/credential-provider-web-identity';
import type { S3Credentials, S3Settings } from '../settings.ts';

interface Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

type IdentityProvider = () => Promise<Identity>;

/**
 * Credentials as the settings name them; else the first of: AWS_ACCESS_KEY_ID, the profile of the shared files, a web
 * identity token (AWS_WEB_IDENTITY_TOKEN_FILE). A machine's instance metadata is never asked: off the cloud that only
 * waits, and on it the answer may be an identity that nobody meant.
 */
export function credentialsFor(settings: S3Settings): Identity | IdentityProvider {
  const { credentials, profile, credentialsFile } = settings;
  if (credentials !== undefined) return identityOf(credentials);
  const shared = fromIni({
    ...(profile === undefined ? {} : { profile }),
    ...(credentialsFile === undefined ? {} : { filepath: credentialsFile }),
  });
  if (profile !== undefined || credentialsFile !== undefined) return shared;
  return firstOf([fromEnv(), shared, fromTokenFile()]);
}

function identityOf({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials): Identity {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function firstOf(providers: readonly IdentityProvider[]): IdentityProvider {
  return async () => {
    let failure: unknown;
    for (const provider of providers) {
      try {
        return await provider();
      } catch (error) {
        failure = error;
        if (!hasNothing(error)) throw error;
      }
    }
    throw failure;
  };
}

/** The SDK's mark on "I know of no credentials", as opposed to credentials that are wrong. */
function hasNothing(error: unknown): boolean {
  return error instanceof Error && 'tryNextLink' in error && error.tryNextLink === true;
}
