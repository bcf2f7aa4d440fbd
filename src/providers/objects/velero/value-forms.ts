import { parseCertificates } from '../certificates.ts';
import type { YamlValue } from './yaml-value.ts';

/** The text, unless it is empty. */
export function textOf(value: YamlValue): string | undefined {
  const text = value.text();
  return text === '' ? undefined : text;
}

/** A PEM text with certificates, unless it is empty; throws UsageError where none of them can be read. */
export function certificatesOf(value: YamlValue): string | undefined {
  const pem = textOf(value);
  if (pem !== undefined) parseCertificates(pem, value.place);
  return pem;
}

/** The same as Kubernetes writes bytes. */
export function encodedCertificatesOf(value: YamlValue): string | undefined {
  const pem = value.base64()?.toString('utf8');
  if (pem === undefined || pem === '') return undefined;
  parseCertificates(pem, value.place);
  return pem;
}

/** What the location of an endpoint can hold; `scheme` stands before one that has none. Throws UsageError. */
export function endpointOf(value: YamlValue, scheme = ''): string | undefined {
  const url = urlOf(value, scheme);
  if (url === undefined || url.pathname === '/') return url?.origin;
  throw value.wrong('must be a scheme, a host and a port', endpointForm);
}

/** The same of a service that may stand below a path, without a slash at its end. */
export function endpointWithPathOf(value: YamlValue, scheme = ''): string | undefined {
  const url = urlOf(value, scheme);
  return url === undefined ? undefined : `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

const endpointForm = 'write http://HOST:PORT or https://HOST';

/** Without credentials and parameters. */
function urlOf(value: YamlValue, scheme: string): URL | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  const whole = text.includes('://') ? text : `${scheme}${text}`;
  if (!URL.canParse(whole)) throw value.wrong('is no URL', endpointForm);
  const url = new URL(whole);
  const isPlain = [url.search, url.hash, url.username, url.password].every((part) => part === '');
  if (isPlain && /^https?:$/.test(url.protocol)) return url;
  throw value.wrong('must be a scheme, a host and a port', endpointForm);
}
