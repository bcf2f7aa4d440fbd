import pLimit from 'p-limit';
import { StoreError } from '../base/errors.ts';
import type { CheckedIndex, CheckedPack } from './check-index.ts';
import type { CheckFindings } from './check-report.ts';
import { idOf, keyOf, prefixOf } from './format/file-kind.ts';
import type { Repository } from './repository.ts';

const parallelHeads = 8;

/** Compares the store's one listing of all packs with the index, and notes the size of each pack that was found. */
export async function checkPackListing(
  repository: Repository,
  index: CheckedIndex,
  findings: CheckFindings,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const { key, sizeBytes } of repository.store.list(prefixOf('data'), { signal })) {
    const id = idOf('data', key);
    if (id === undefined) continue;
    const pack = index.packs.get(id);
    if (pack !== undefined) pack.foundBytes = sizeBytes;
    else if (!index.loaded.markedPacks.has(id)) {
      findings.hint('orphan-pack', key, `no index lists the pack of ${sizeBytes} bytes`);
    }
  }
  const unlisted = [...index.packs].filter(([, pack]) => pack.foundBytes === undefined);
  await pLimit(parallelHeads).map(unlisted, ([id, pack]) => lookFor(repository, id, pack, findings, signal));
  for (const [id, pack] of index.packs) reportSize(id, pack, findings);
}

/** Some stores' listings have been incomplete; before a pack is called missing it is asked for by name. */
async function lookFor(
  repository: Repository,
  id: string,
  pack: CheckedPack,
  findings: CheckFindings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = keyOf('data', id);
  try {
    pack.foundBytes = (await repository.store.head(key, { signal })).sizeBytes;
    findings.hint('incomplete-listing', key, "the store's listing left out a pack that exists");
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'not-found') throw error;
  }
}

function reportSize(id: string, pack: CheckedPack, findings: CheckFindings): void {
  const key = keyOf('data', id);
  if (pack.foundBytes === undefined) {
    findings.error('pack-missing', key, `the pack is missing, and with it ${pack.blobCount} blobs`);
  } else if (pack.foundBytes !== pack.sizeBytes) {
    const message = `the pack has ${pack.foundBytes} bytes, and by the index ${pack.sizeBytes}`;
    findings.error('pack-size', key, message);
  }
}
