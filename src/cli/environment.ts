import type { ProxySettings } from '../providers/objects/settings.ts';

/** What the variables say of the repository that is copied from. */
export interface SourceEnvironment {
  readonly repository: string | undefined;
  readonly repositoryFile: string | undefined;
  readonly password: string | undefined;
  readonly passwordFile: string | undefined;
  readonly passwordCommand: string | undefined;
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
  readonly sessionToken: string | undefined;
}

/** The environment variables that the command line obeys, read once. */
export interface Environment {
  readonly repository: string | undefined;
  readonly repositoryFile: string | undefined;
  readonly password: string | undefined;
  readonly passwordFile: string | undefined;
  readonly passwordCommand: string | undefined;
  readonly from: SourceEnvironment;
  /** For a key that is made. */
  readonly newPassword: string | undefined;
  /** Shows the stack of an error. */
  readonly debug: boolean;
  /** Makes keys that anyone can guess, so that tests are quick. */
  readonly weakScrypt: boolean;
  readonly colour: boolean;
  /** Everything about Azure: names that begin with AZURE_. */
  readonly azure: Readonly<Record<string, string | undefined>>;
  /** A GCS endpoint for locations that name none, and a token. */
  readonly gcsEndpoint: string | undefined;
  readonly gcsAccessToken: string | undefined;
  /** An S3 endpoint for locations that name none. */
  readonly s3Endpoint: string | undefined;
  /** A PEM file of authorities to trust. */
  readonly caFile: string | undefined;
  readonly proxy: ProxySettings;
  /** Any other variable, as files of patterns may name them. */
  readonly variable: (name: string) => string | undefined;
}

/**
 * Reads the variables; where restic has one of the same meaning, ours goes before. Passwords are taken out of
 * `variables`, so that no program that is started later inherits them.
 */
export function takeEnvironment(variables: NodeJS.ProcessEnv): Environment {
  const first = (...names: readonly string[]): string | undefined =>
    names.map((name) => variables[name]).find((value) => value !== undefined && value !== '');
  const password = first('TRANSHIP_PASSWORD', 'RESTIC_PASSWORD');
  const newPassword = first('TRANSHIP_NEW_PASSWORD');
  const emulator = first('STORAGE_EMULATOR_HOST');
  const from: SourceEnvironment = {
    repository: first('TRANSHIP_FROM_REPOSITORY', 'RESTIC_FROM_REPOSITORY'),
    repositoryFile: first('TRANSHIP_FROM_REPOSITORY_FILE', 'RESTIC_FROM_REPOSITORY_FILE'),
    password: first('TRANSHIP_FROM_PASSWORD', 'RESTIC_FROM_PASSWORD'),
    passwordFile: first('TRANSHIP_FROM_PASSWORD_FILE', 'RESTIC_FROM_PASSWORD_FILE'),
    passwordCommand: first('TRANSHIP_FROM_PASSWORD_COMMAND', 'RESTIC_FROM_PASSWORD_COMMAND'),
    accessKeyId: first('TRANSHIP_FROM_AWS_ACCESS_KEY_ID'),
    secretAccessKey: first('TRANSHIP_FROM_AWS_SECRET_ACCESS_KEY'),
    sessionToken: first('TRANSHIP_FROM_AWS_SESSION_TOKEN'),
  };
  delete variables['TRANSHIP_FROM_PASSWORD'];
  delete variables['RESTIC_FROM_PASSWORD'];
  delete variables['TRANSHIP_FROM_AWS_SECRET_ACCESS_KEY'];
  delete variables['TRANSHIP_NEW_PASSWORD'];
  delete variables['TRANSHIP_PASSWORD'];
  delete variables['RESTIC_PASSWORD'];
  return {
    repository: first('TRANSHIP_REPOSITORY', 'RESTIC_REPOSITORY'),
    repositoryFile: first('TRANSHIP_REPOSITORY_FILE', 'RESTIC_REPOSITORY_FILE'),
    password,
    passwordFile: first('TRANSHIP_PASSWORD_FILE', 'RESTIC_PASSWORD_FILE'),
    passwordCommand: first('TRANSHIP_PASSWORD_COMMAND', 'RESTIC_PASSWORD_COMMAND'),
    newPassword,
    from,
    debug: variables['TRANSHIP_DEBUG'] === '1',
    weakScrypt: variables['TRANSHIP_TEST_WEAK_SCRYPT'] === '1',
    colour: first('NO_COLOR') === undefined && variables['TERM'] !== 'dumb',
    azure: Object.fromEntries(Object.entries(variables).filter(([name]) => name.startsWith('AZURE_'))),
    // Google's libraries take it with and without a scheme.
    gcsEndpoint: emulator === undefined || emulator.includes('://') ? emulator : `http://${emulator}`,
    gcsAccessToken: first('GOOGLE_ACCESS_TOKEN'),
    s3Endpoint: first('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'),
    caFile: first('AWS_CA_BUNDLE', 'RESTIC_CACERT'),
    proxy: {
      https: first('HTTPS_PROXY', 'https_proxy'),
      http: first('HTTP_PROXY', 'http_proxy'),
      except: first('NO_PROXY', 'no_proxy'),
    },
    variable: (name) => variables[name],
  };
}
