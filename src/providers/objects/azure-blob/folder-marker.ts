/**
 * True for what an account with a hierarchical namespace shows for a folder: an empty blob with a mark in its metadata,
 * whose name programs write in either case.
 */
export function isFolderMarker(
  sizeBytes: number | undefined,
  metadata: Readonly<Record<string, string>> | undefined,
): boolean {
  if (sizeBytes !== 0 || metadata === undefined) return false;
  return Object.entries(metadata).some(
    ([name, value]) => name.toLowerCase() === 'hdi_isfolder' && value.toLowerCase() === 'true',
  );
}
