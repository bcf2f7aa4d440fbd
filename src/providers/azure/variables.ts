import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { UsageError } from '../../base/errors.ts';
import { azureKeyNames } from '../objects/azure-key-names.ts';
import type { AzureBlobCredentials, AzureBlobSettings, AzurePrincipal } from '../objects/settings.ts';
import type { IdentityCredentials } from './identity.ts';

/** Variables of one place, and how messages name the place. */
export interface VariableSource {
  /** A path, or `the environment`. */
  readonly name: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Where settings say that variables stand. */
export type VariableSettings = Pick<AzureBlobSettings, 'credentialsFile' | 'credentialsText' | 'environment'>;

/** Credentials, and where they stand: `AZURE_ACCOUNT_KEY in the environment`. */
export interface FoundCredentials<Credentials extends AzureBlobCredentials = AzureBlobCredentials> {
  readonly credentials: Credentials;
  readonly source: string;
}

const signatures = ['AZURE_ACCOUNT_SAS', 'AZURE_STORAGE_SAS_TOKEN'] as const;

/** The value of a variable; what is empty is not set. */
export function valueOf({ variables }: VariableSource, name: string): string | undefined {
  const value = variables[name]?.trim();
  return value === '' ? undefined : value;
}

/** How messages name a variable: a reader must find the one place that is wrong. */
export function placeOf({ name: source }: VariableSource, name: string): string {
  return `${name} in ${source}`;
}

/**
 * Where variables stand, the most particular first: the credentials file that settings or AZURE_CREDENTIALS_FILE name,
 * and the environment. A file is joined with the environment last: in a pod whose identity the cluster gives, the file
 * has the rest.
 */
export async function variableSources(settings: VariableSettings): Promise<readonly VariableSource[]> {
  const environment = { name: 'the environment', variables: settings.environment ?? {} };
  const file = await credentialsSource(settings, environment);
  if (file === undefined) return [environment];
  const federated = valueOf(environment, 'AZURE_FEDERATED_TOKEN_FILE');
  if (federated === undefined) return [file];
  return [file, { name: `${file.name} or the environment`, variables: identityVariables(environment, file) }];
}

async function credentialsSource(
  { credentialsText, credentialsFile }: VariableSettings,
  environment: VariableSource,
): Promise<VariableSource | undefined> {
  if (credentialsText !== undefined) {
    return { name: 'the credentials in the settings', variables: parseEnv(credentialsText) };
  }
  const path = credentialsFile ?? valueOf(environment, 'AZURE_CREDENTIALS_FILE');
  return path === undefined ? undefined : { name: path, variables: await readVariables(path) };
}

/** Credentials of the first place that has any; throws UsageError where some are not complete. */
export function credentialsIn(sources: readonly VariableSource[]): FoundCredentials | undefined {
  for (const source of sources) {
    const found = credentialsOf(source);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** As {@link credentialsIn}, of those only that Microsoft Entra ID knows: keys of a storage account say nothing. */
export function identityIn(
  sources: readonly VariableSource[],
): FoundCredentials<IdentityCredentials> | undefined {
  for (const source of sources) {
    const found = identityOf(source);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first value of a variable, and where it stands. */
export function lookUp(
  sources: readonly VariableSource[],
  name: string,
): readonly [value: string | undefined, place: string] {
  for (const source of sources) {
    const value = valueOf(source, name);
    if (value !== undefined) return [value, placeOf(source, name)];
  }
  return [undefined, name];
}

function credentialsOf(source: VariableSource): FoundCredentials | undefined {
  const found = (name: string, credentials: AzureBlobCredentials): FoundCredentials => ({
    credentials,
    source: placeOf(source, name),
  });
  for (const name of azureKeyNames) {
    const accountKey = valueOf(source, name);
    if (accountKey !== undefined) return found(name, { kind: 'account-key', accountKey });
  }
  for (const name of signatures) {
    const sas = valueOf(source, name);
    if (sas !== undefined) return found(name, { kind: 'sas', sas });
  }
  const connectionString = valueOf(source, 'AZURE_STORAGE_CONNECTION_STRING');
  if (connectionString !== undefined) {
    return found('AZURE_STORAGE_CONNECTION_STRING', { kind: 'connection-string', connectionString });
  }
  return identityOf(source);
}

function identityOf(source: VariableSource): FoundCredentials<IdentityCredentials> | undefined {
  const found = (name: string, credentials: IdentityCredentials): FoundCredentials<IdentityCredentials> => ({
    credentials,
    source: placeOf(source, name),
  });
  const clientSecret = valueOf(source, 'AZURE_CLIENT_SECRET');
  if (clientSecret !== undefined) {
    const principal = principalBeside(source, 'AZURE_CLIENT_SECRET');
    return found('AZURE_CLIENT_SECRET', { kind: 'client-secret', ...principal, clientSecret });
  }
  const certificatePassword = valueOf(source, 'AZURE_CLIENT_CERTIFICATE_PASSWORD');
  const pem = valueOf(source, 'AZURE_CLIENT_CERTIFICATE');
  const path = valueOf(source, 'AZURE_CLIENT_CERTIFICATE_PATH');
  if (pem !== undefined || path !== undefined) {
    const name = pem === undefined ? 'AZURE_CLIENT_CERTIFICATE_PATH' : 'AZURE_CLIENT_CERTIFICATE';
    const certificate = pem === undefined ? { path: path ?? '' } : { pem };
    const principal = principalBeside(source, name);
    return found(name, { kind: 'client-certificate', ...principal, certificate, certificatePassword });
  }
  const tokenFile = valueOf(source, 'AZURE_FEDERATED_TOKEN_FILE');
  if (tokenFile === undefined) return undefined;
  const principal = principalBeside(source, 'AZURE_FEDERATED_TOKEN_FILE');
  return found('AZURE_FEDERATED_TOKEN_FILE', { kind: 'workload-identity', ...principal, tokenFile });
}

function principalBeside(source: VariableSource, beside: string): AzurePrincipal {
  const required = (name: string): string => {
    const value = valueOf(source, name);
    if (value !== undefined) return value;
    throw new UsageError(`${name} is missing beside ${beside}`, {
      where: source.name,
      advice: `set ${name} there`,
    });
  };
  return { tenantId: required('AZURE_TENANT_ID'), clientId: required('AZURE_CLIENT_ID') };
}

/** Of the environment only what the cluster gives a pod: a key there may be another account's. */
function identityVariables(environment: VariableSource, file: VariableSource): VariableSource['variables'] {
  const names = ['AZURE_FEDERATED_TOKEN_FILE', 'AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_AUTHORITY_HOST'];
  const own = Object.fromEntries(names.map((name) => [name, valueOf(environment, name)]));
  return { ...own, ...file.variables };
}

async function readVariables(path: string): Promise<VariableSource['variables']> {
  try {
    return parseEnv(await readFile(path, 'utf8'));
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new UsageError(
      isMissing ? 'the credentials file does not exist' : 'the credentials file cannot be read',
      { where: path, advice: 'name a file of AZURE_NAME=value lines', cause: error },
    );
  }
}
