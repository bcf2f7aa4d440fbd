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
  const text = textOf(value);
  if (text === undefined) return undefined;
  const advice = 'write http://HOST:PORT or https://HOST';
  const whole = text.includes('://') ? text : `${scheme}${text}`;
  if (!URL.canParse(whole)) throw value.wrong('is no URL', advice);
  const { protocol, username, password, pathname, search, hash, origin } = new URL(whole);
  const isPlain = pathname === '/' && search === '' && hash === '' && username === '' && password === '';
  if (!isPlain || !/^https?:$/.test(protocol))
    throw value.wrong('must be a scheme, a host and a port', advice);
  return origin;
}
