import { BlockList, isIP } from 'node:net';
import { UsageError } from '../../base/errors.ts';
import { isLoopback } from './endpoint.ts';
import type { ProxySettings } from './settings.ts';

const ADVICE = 'write http://host:port or https://host:port in HTTPS_PROXY or HTTP_PROXY';

/**
 * The proxy that a request to this URL goes through, undefined for none: the rules of Go's programs, restic among them.
 * Never one for this machine itself. Throws UsageError for a proxy that is no http:// or https:// URL, without
 * repeating it: it may hold a password.
 */
export function proxyFor(url: URL, settings: ProxySettings): URL | undefined {
  const proxy = url.protocol === 'https:' ? settings.https : settings.http;
  if (proxy === undefined || isLoopback(url.hostname) || isExcepted(url, settings.except ?? '')) return;
  return proxyUrl(proxy);
}

function proxyUrl(text: string): URL {
  const full = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(full)) throw new UsageError('the proxy is not a URL', { advice: ADVICE });
  const url = new URL(full);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new UsageError('a proxy of this kind is not supported', { where: url.protocol, advice: ADVICE });
}

function isExcepted(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && matches(entry, host, port));
}

/** An entry is `*`, an address, a network such as `10.0.0.0/8`, or a domain; the two last but one may name a port. */
function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isIn(entry, host);
  const [, name = entry, entryPort] =
    /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (entryPort !== undefined && entryPort !== port) return false;
  const bare = name.replace(/^\[|\]$/g, '').replace(/^\*(?=\.)/, '');
  return bare.startsWith('.')
    ? host.endsWith(bare)
    : host === bare || (isIP(host) === 0 && host.endsWith(`.${bare}`));
}

function isIn(network: string, host: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const family = familyOf(address);
  const hostFamily = familyOf(host);
  const most = family === 'ipv6' ? 128 : 32;
  if (family === undefined || family !== hostFamily || !/^\d{1,3}$/.test(bits) || Number(bits) > most)
    return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(host, family);
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 0 ? undefined : version === 6 ? 'ipv6' : 'ipv4';
}
