import type { StoreSettings } from './settings.ts';

/** What the caller gives goes before what a description says. */
export function mergedSettings(described: StoreSettings, given: StoreSettings = {}): StoreSettings {
  return {
    azureBlob: merged(described.azureBlob, given.azureBlob),
    gcs: merged(described.gcs, given.gcs),
    s3: merged(described.s3, given.s3),
  };
}

interface Identified {
  readonly credentials?: object | undefined;
  readonly credentialsText?: string | undefined;
  readonly credentialsFile?: string | undefined;
  readonly profile?: string | undefined;
}

function merged<Settings extends Identified>(
  described: Settings | undefined,
  given: Settings | undefined,
): Settings | undefined {
  if (described === undefined || given === undefined) return given ?? described;
  const isNamed = given.profile !== undefined || given.credentialsFile !== undefined;
  // Credentials go before a file; those of the description must not go before a file that the caller names.
  const own = isNamed ? { ...described, credentials: undefined, credentialsText: undefined } : described;
  return { ...own, ...withoutUndefined(given) };
}

/** What is undefined is left out. */
export function withoutUndefined<Settings extends object>(settings: Settings): Partial<Settings> {
  const kept: Partial<Settings> = {};
  for (const name in settings) if (settings[name] !== undefined) kept[name] = settings[name];
  return kept;
}
