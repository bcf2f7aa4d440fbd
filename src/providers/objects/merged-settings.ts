import type { StoreSettings } from './settings.ts';

/** What the caller gives goes before what a description says. */
export function mergedSettings(described: StoreSettings, given: StoreSettings = {}): StoreSettings {
  return {
    azureBlob: merged(described.azureBlob, given.azureBlob),
    gcs: merged(described.gcs, given.gcs),
    s3: merged(described.s3, given.s3),
  };
}

interface AnySettings {
  readonly caCertificates?: string | undefined;
  readonly customerKey?: Uint8Array | undefined;
  readonly customerKeyFile?: string | undefined;
  readonly credentials?: object | undefined;
  readonly credentialsText?: string | undefined;
  readonly credentialsFile?: string | undefined;
  readonly profile?: string | undefined;
}

function merged<Settings extends AnySettings>(
  described: Settings | undefined,
  given: Settings | undefined,
): Settings | undefined {
  if (described === undefined || given === undefined) return given ?? described;
  const isNamed = given.profile !== undefined || given.credentialsFile !== undefined;
  // Contents go before a file; those of the description must not go before a file that the caller names.
  const own = {
    ...described,
    ...(isNamed ? { credentials: undefined, credentialsText: undefined } : {}),
    ...(given.customerKeyFile === undefined ? {} : { customerKey: undefined }),
  };
  // Both are trusted: what the environment names for everything must not hide the store's own.
  const authorities = [described.caCertificates, given.caCertificates].filter((pem) => pem !== undefined);
  const caCertificates = authorities.length === 0 ? {} : { caCertificates: authorities.join('\n') };
  return { ...own, ...withoutUndefined(given), ...caCertificates };
}

/** What is undefined is left out. */
export function withoutUndefined<Settings extends object>(settings: Settings): Partial<Settings> {
  const kept: Partial<Settings> = {};
  for (const name in settings) if (settings[name] !== undefined) kept[name] = settings[name];
  return kept;
}
