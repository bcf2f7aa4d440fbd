import { UsageError } from '../../base/errors.ts';
import type { ErrorDetails } from '../../base/errors.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/** Scheme, host and port of an endpoint; throws UsageError for anything else, without repeating a password. */
export function endpointOrigin(endpoint: string, details: ErrorDetails): string {
  if (!URL.canParse(endpoint)) throw new UsageError('the endpoint is not a URL', details);
  const url = new URL(endpoint);
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('an endpoint must not hold credentials', details);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new UsageError('the endpoint must begin with http:// or https://', details);
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new UsageError('the endpoint must be a scheme, a host and a port', {
      ...details,
      where: url.origin,
    });
  }
  return url.origin;
}

/** True for names and addresses of this machine itself, between which nobody listens. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

/** True for what would go unencrypted over a network. */
export function isOpenNetwork({ protocol, hostname }: { protocol: string; hostname: string }): boolean {
  return protocol === 'http:' && !isLoopback(hostname);
}

/** What becomes of a request that would carry a token unencrypted, even where plain HTTP is allowed. */
export function openTokenError(origin: string, advice: string): UsageError {
  return new UsageError('tokens are not sent over plain HTTP', { where: origin, advice });
}

/** What becomes of a request to an endpoint that {@link isOpenNetwork}, unless that was allowed. */
export function openNetworkError(host: string): UsageError {
  return new UsageError('the endpoint speaks plain HTTP', {
    where: `http://${host}`,
    advice: 'use https://, or --allow-http where the network is trusted',
  });
}
