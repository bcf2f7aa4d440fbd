import type { BlobRequestConditions } from '@azure/storage-blob';
import type { PutOptions } from '../driver.ts';

/** In mode `create` the server stores only where nothing has the name: of writers that race it takes one. */
export function putConditions({ mode }: PutOptions): BlobRequestConditions {
  return mode === 'create' ? { ifNoneMatch: '*' } : {};
}
