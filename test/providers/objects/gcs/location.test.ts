import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../../../src/base/errors.ts';
import { formatGcsLocation } from '../../../../src/providers/objects/gcs/location.ts';
import { parseStoreLocation } from '../../../../src/providers/objects/open.ts';

const plain = { kind: 'gcs', prefix: '', endpoint: undefined, userProject: undefined };

describe('a location of a bucket of GCS', () => {
  const forms: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['gs://bucket', { bucket: 'bucket' }],
    ['gs://bucket/', { bucket: 'bucket' }],
    ['gs://bucket/a/b/', { bucket: 'bucket', prefix: 'a/b' }],
    [
      'gs://bucket/p?endpoint=http://localhost:4443&user-project=payer-1',
      { bucket: 'bucket', prefix: 'p', endpoint: 'http://localhost:4443', userProject: 'payer-1' },
    ],
    ['gs://bucket?user-project=example.com:payer', { bucket: 'bucket', userProject: 'example.com:payer' }],
    ['gs:bucket:/', { bucket: 'bucket' }],
    ['gs:bucket:', { bucket: 'bucket' }],
    ['gs:bucket:/a/b', { bucket: 'bucket', prefix: 'a/b' }],
    ['GS:my_bucket.example.com:a', { bucket: 'my_bucket.example.com', prefix: 'a' }],
  ];
  for (const [text, parts] of forms) {
    it(`${text} is read, and is the same when written and read again`, () => {
      const location = parseStoreLocation(text);
      assert.deepEqual(location, { ...plain, ...parts });
      assert.ok(location.kind === 'gcs');
      assert.deepEqual(parseStoreLocation(formatGcsLocation(location)), location);
    });
  }

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['gs:', /must end in a colon/],
    ['gs:bucket', /must end in a colon/],
    ['gs:bucket/prefix', /must end in a colon/],
    ['gs::/prefix', /names no bucket/],
    ['gs://', /names no bucket/],
    ['gs:///prefix', /names no bucket/],
    ['gs://Bucket', /not the name of a bucket/],
    ['gs://b', /not the name of a bucket/],
    ['gs://bucket/a//b', /not a prefix/],
    ['gs://bucket/../b', /not a prefix/],
    ['gs:bucket:/../b', /not a prefix/],
    ['gs:bucket:/p?endpoint=http://h', /takes no parameters/],
    ['gs://bucket?endpont=http://h', /unknown parameter/],
    ['gs://bucket?endpoint=host', /endpoint is not a URL/],
    ['gs://bucket?endpoint=ftp://host', /must begin with http/],
    ['gs://bucket?endpoint=http://host/path', /a scheme, a host and a port/],
    ['gs://bucket?user-project=A%20B', /id of a project/],
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
      'gs://key:hunter2@bucket/p',
      'gs://bucket?endpoint=http://key:hunter2@host',
      'gs:key:hunter2@host:/bucket',
      'gs:hunter2@bucket:/p',
    ]) {
      assert.throws(
        () => parseStoreLocation(text),
        (error) => error instanceof UsageError && !error.message.includes('hunter2'),
        text,
      );
    }
  });
});
