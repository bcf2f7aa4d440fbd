import { getProfileName, loadSharedConfigFiles } from '@smithy/core/config';
import { access, constants } from 'node:fs/promises';
import { StoreError } from '../../base/errors.ts';
import type { S3Settings } from '../objects/settings.ts';

const FIELDS = ['aws_access_key_id', 'aws_secret_access_key'] as const;
/** Its place, which the SDK takes from the environment. */
const USUAL_FILE = 'AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials';
const ADVICE = 'add it, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';

/**
 * Why the shared files have no credentials although they should: a file that the settings name and that cannot be
 * read, a profile that they name and that is not there, or one that lacks a field. Undefined where nobody said that
 * they have any. Never tells a value.
 */
export async function profileProblem(
  settings: Pick<S3Settings, 'profile' | 'credentialsFile'>,
): Promise<StoreError | undefined> {
  const { profile, credentialsFile } = settings;
  const file = credentialsFile ?? USUAL_FILE;
  if (credentialsFile !== undefined) {
    const failure = await access(credentialsFile, constants.R_OK).catch((error: unknown) => ({ error }));
    if (failure !== undefined) return unusable('the credentials file cannot be read', file, failure.error);
  }
  const name = getProfileName(profile === undefined ? {} : { profile });
  const files = await loadSharedConfigFiles({
    ignoreCache: true,
    ...(credentialsFile === undefined ? {} : { filepath: credentialsFile }),
  });
  const merged = { ...files.configFile[name], ...files.credentialsFile[name] };
  const missing = FIELDS.filter((field) => merged[field] === undefined);
  if (missing.length === 1) return unusable(`profile ${name} has no ${missing[0]}`, file);
  const isNamed = profile !== undefined || credentialsFile !== undefined;
  if (!isNamed || missing.length === 0) return undefined;
  const isThere = files.configFile[name] !== undefined || files.credentialsFile[name] !== undefined;
  return unusable(isThere ? `profile ${name} has no ${FIELDS[0]}` : `there is no profile ${name}`, file);
}

function unusable(what: string, where: string, cause?: unknown): StoreError {
  return new StoreError('unauthenticated', what, {
    where,
    advice: ADVICE,
    ...(cause === undefined ? {} : { cause }),
  });
}
