import { parseStoreLocation } from '../providers/objects/open.ts';
import type { PreflightFacts } from './preflight/facts.ts';

const amazon = /^https:\/\/[^/]*\.amazonaws\.com(?:\.cn)?$/;

/**
 * Provider and region of a repository, as far as its store's URL tells; `region` goes before. A server of S3's API that
 * is not Amazon's is in no cloud.
 *
 * @example
 * console.log(repositoryPlace('s3://replica/volumes?region=us-east-1').provider);
 */
export function repositoryPlace(url: string, region?: string): PreflightFacts['repository'] {
  const place = parseStoreLocation(url);
  switch (place.kind) {
    case 's3': {
      const isAmazon = place.endpoint === undefined || amazon.test(place.endpoint);
      return isAmazon ? { provider: 'aws', region: region ?? place.region } : {};
    }
    case 'gcs':
      return { provider: 'gcp', region };
    case 'azure-blob':
      return { provider: 'azure', region };
    case 'local':
    case 'memory':
    case 'velero':
      return {};
  }
}
