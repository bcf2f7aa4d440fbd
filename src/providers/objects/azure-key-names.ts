/** The variables that hold an account's key: restic's, then those of Velero's documents and of its plug-in. */
export const azureKeyNames = [
  'AZURE_ACCOUNT_KEY',
  'AZURE_STORAGE_ACCOUNT_ACCESS_KEY',
  'AZURE_STORAGE_KEY',
] as const;
