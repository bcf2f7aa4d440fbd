import type { S3Settings, StoreSettings } from './settings.ts';

/** What the caller gives goes before what a description says. */
export function mergedSettings(described: StoreSettings, given: StoreSettings = {}): StoreSettings {
  return { gcs: given.gcs, s3: mergedS3(described.s3 ?? {}, given.s3 ?? {}) };
}

function mergedS3(described: S3Settings, given: S3Settings): S3Settings {
  const isNamed = given.profile !== undefined || given.credentialsFile !== undefined;
  // Credentials go before a profile; those of the description must not go before a profile that the caller names.
  const own = isNamed ? { ...described, credentials: undefined } : described;
  return { ...own, ...withoutUndefined(given) };
}

function withoutUndefined<Settings extends object>(settings: Settings): Partial<Settings> {
  const kept: Partial<Settings> = {};
  for (const name in settings) if (settings[name] !== undefined) kept[name] = settings[name];
  return kept;
}
