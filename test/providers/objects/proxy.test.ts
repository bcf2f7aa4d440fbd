import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../../src/base/errors.ts';
import { proxyFor } from '../../../src/providers/objects/proxy.ts';

const proxy = 'http://proxy:3128';

describe('the proxy of a URL', () => {
  it('is that of its scheme, or none', () => {
    const settings = { https: 'https://secure:1', http: 'plain:2' };
    assert.equal(proxyFor(new URL('https://s3.example'), settings)?.href, 'https://secure:1/');
    assert.equal(proxyFor(new URL('http://s3.example'), settings)?.href, 'http://plain:2/');
    assert.equal(proxyFor(new URL('http://s3.example'), { https: proxy }), undefined);
  });

  it('is none for this machine, whatever it is called', () => {
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]']) {
      assert.equal(proxyFor(new URL(`https://${host}:9000`), { https: proxy }), undefined);
    }
  });

  const cases: readonly (readonly [except: string, direct: readonly string[], proxied: readonly string[]])[] =
    [
      ['*', ['https://s3.example', 'https://10.0.0.1'], []],
      ['example.com', ['https://example.com', 'https://s3.EXAMPLE.com'], ['https://notexample.com']],
      ['.example.com', ['https://s3.example.com'], ['https://example.com']],
      ['*.example.com', ['https://s3.example.com'], ['https://example.com']],
      ['minio:9000', ['https://minio:9000'], ['https://minio', 'https://minio:9001']],
      ['minio:443', ['https://minio'], ['https://minio:9000']],
      ['.svc, .cluster.local', ['https://minio.ns.svc', 'https://a.b.cluster.local'], ['https://svc']],
      ['10.0.0.0/8', ['https://10.9.8.7:9000'], ['https://11.0.0.1', 'https://s3.10.example']],
      ['10.0.0.1', ['https://10.0.0.1'], ['https://10.0.0.11', 'https://110.0.0.1']],
      ['fd00::/8,[fd01::1]:9000', ['https://[fd00::1]', 'https://[fd01::1]:9000'], ['https://[fe80::1]']],
      [' , ,10.0.0.0/99,/,:9', [], ['https://10.0.0.1', 'https://s3.example']],
    ];
  for (const [except, direct, proxied] of cases) {
    it(`passes by what "${except}" names`, () => {
      for (const url of direct)
        assert.equal(proxyFor(new URL(url), { https: proxy, except }), undefined, url);
      for (const url of proxied) assert.ok(proxyFor(new URL(url), { https: proxy, except }), url);
    });
  }

  it('of another kind, or none at all, is refused without repeating it', () => {
    for (const https of ['socks5://user:hunter2@host', 'http://user:hunter2@']) {
      assert.throws(
        () => proxyFor(new URL('https://s3.example'), { https }),
        (error) => error instanceof UsageError && !error.message.includes('hunter2'),
      );
    }
  });
});
