/** Of statuses below 500, those that say "not now". */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);
const PROXY_AUTHENTICATION_REQUIRED = 407;

/**
 * True for a web page with success or a refusal, which no object store answers: behind a wrong endpoint anything may.
 * Not for what gateways answer while a server is down or busy, nor for a proxy's refusal; both are often web pages.
 */
export function isWebPage(status: number, contentType: string): boolean {
  if (status >= 500 || PASSING.has(status) || status === PROXY_AUTHENTICATION_REQUIRED) return false;
  return contentType.startsWith('text/html');
}
