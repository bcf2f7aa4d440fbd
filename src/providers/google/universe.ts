import { UsageError } from '../../base/errors.ts';

/** The domain below which Google's own services stand; a partner's cloud has another one. */
export const GOOGLE_UNIVERSE = 'googleapis.com';

const DOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/;

/** Throws UsageError for what is no domain; its services are sent credentials. */
export function checkedUniverse(domain = GOOGLE_UNIVERSE): string {
  if (DOMAIN.test(domain)) return domain;
  throw new UsageError('the universe is no domain', {
    where: domain,
    advice: `Google’s is ${GOOGLE_UNIVERSE}`,
  });
}
