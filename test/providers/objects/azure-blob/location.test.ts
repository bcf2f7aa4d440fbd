import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../../../src/base/errors.ts';
import { formatAzureBlobLocation } from '../../../../src/providers/objects/azure-blob/location.ts';
import { parseStoreLocation } from '../../../../src/providers/objects/open.ts';

const plain = { kind: 'azure-blob', account: undefined, prefix: '', endpoint: undefined };

describe('a location of a container', () => {
  const forms: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['azblob://account/container', { account: 'account', container: 'container' }],
    ['azblob://account/container/', { account: 'account', container: 'container' }],
    ['azblob://account/container/a/b/', { account: 'account', container: 'container', prefix: 'a/b' }],
    [
      'azblob://devstoreaccount1/con/p?endpoint=http://127.0.0.1:10000/devstoreaccount1/',
      {
        account: 'devstoreaccount1',
        container: 'con',
        prefix: 'p',
        endpoint: 'http://127.0.0.1:10000/devstoreaccount1',
      },
    ],
    [
      'AZBLOB://account/con-tainer?endpoint=https%3A%2F%2Fblobs.example',
      { account: 'account', container: 'con-tainer', endpoint: 'https://blobs.example' },
    ],
    [
      'azblob://account/container?endpoint=http://host/a%26b%2525%2Bc/account',
      { account: 'account', container: 'container', endpoint: 'http://host/a&b%25+c/account' },
    ],
    ['azure:container:/', { container: 'container' }],
    ['azure:container:/a/b', { container: 'container', prefix: 'a/b' }],
    ['azure:container:a/b/', { container: 'container', prefix: 'a/b' }],
    ['azure:container', { container: 'container' }],
  ];
  for (const [text, parts] of forms) {
    it(`${text} is read, and is the same when written and read again`, () => {
      const location = parseStoreLocation(text);
      assert.deepEqual(location, { ...plain, ...parts });
      assert.ok(location.kind === 'azure-blob');
      assert.deepEqual(parseStoreLocation(formatAzureBlobLocation(location)), location);
    });
  }

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['azblob:', /names no account/],
    ['azblob:container', /names no account/],
    ['azblob:///container', /names no account/],
    ['azblob://account', /names no container/],
    ['azblob://account/', /names no container/],
    ['azblob://account/co', /not the name of a container/],
    ['azblob://account/Container', /not the name of a container/],
    ['azblob://account/con--tainer', /not the name of a container/],
    ['azblob://Acc_ount/container', /not the name of a storage account/],
    ['azblob://account/container/a//b', /not a prefix/],
    ['azblob://account/container/../b', /not a prefix/],
    ['azblob://account/container?endpont=http://h', /unknown parameter/],
    ['azblob://account/container?endpoint=a&endpoint=b', /twice/],
    ['azblob://account/container?endpoint=host', /endpoint is not a URL/],
    ['azblob://account/container?endpoint=ftp://host', /must begin with http/],
    ['azblob://account/container?endpoint=https://host?x=y', /more than one/],
    ['azure:', /names no container/],
    ['azure::/prefix', /names no container/],
    ['azure:container:/p?endpoint=http://h', /takes no parameters/],
  ];
  for (const [text, message] of wrong) {
    it(`${text} is refused`, () => {
      assert.throws(
        () => parseStoreLocation(text),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    });
  }

  it('credentials in a location are refused and not repeated', () => {
    for (const text of [
      'azblob://account:hunter2@host/container',
      'azblob://account/container?sv=2020&sig=hunter2',
      'azblob://account/container?endpoint=https://user:hunter2@host',
      'azblob://account/container?endpoint=https://host%3Fsig=hunter2',
      'azure:hunter2@container:/p',
    ]) {
      assert.throws(
        () => parseStoreLocation(text),
        (error) => error instanceof UsageError && !error.message.includes('hunter2'),
        text,
      );
    }
  });
});
