import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatS3Location } from '../../../../src/providers/objects/s3/location.ts';
import { parseStoreLocation } from '../../../../src/providers/objects/open.ts';
import { UsageError } from '../../../../src/base/errors.ts';

const plain = { kind: 's3', prefix: '', endpoint: undefined, region: undefined, pathStyle: undefined };

describe('a location of a bucket', () => {
  const forms: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['s3://bucket', { bucket: 'bucket' }],
    ['s3://bucket/', { bucket: 'bucket' }],
    ['s3://bucket/a/b/', { bucket: 'bucket', prefix: 'a/b' }],
    [
      's3://bucket/p?endpoint=http://localhost:9000&region=eu-1',
      { bucket: 'bucket', prefix: 'p', endpoint: 'http://localhost:9000', region: 'eu-1' },
    ],
    [
      's3://bucket?endpoint=https%3A%2F%2Fminio.example&path-style=false',
      { bucket: 'bucket', endpoint: 'https://minio.example', pathStyle: false },
    ],
    ['s3:http://h:9000/bucket/p', { bucket: 'bucket', prefix: 'p', endpoint: 'http://h:9000' }],
    ['s3:https://h/bucket', { bucket: 'bucket', endpoint: 'https://h' }],
    [
      's3:s3.eu-west-1.amazonaws.com/bucket/p',
      { bucket: 'bucket', prefix: 'p', endpoint: 'https://s3.eu-west-1.amazonaws.com', region: 'eu-west-1' },
    ],
    ['S3://Old_Bucket', { bucket: 'Old_Bucket' }],
  ];
  for (const [text, parts] of forms) {
    it(`${text} is read, and is the same when written and read again`, () => {
      const location = parseStoreLocation(text);
      assert.deepEqual(location, { ...plain, ...parts });
      assert.ok(location.kind === 's3');
      assert.deepEqual(parseStoreLocation(formatS3Location(location)), location);
    });
  }

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['s3:', /no bucket|endpoint/],
    ['s3://', /names no bucket/],
    ['s3:///prefix', /names no bucket/],
    ['s3://b', /not the name of a bucket/],
    ['s3://buc ket', /not the name of a bucket/],
    ['s3://bucket/a//b', /not a prefix/],
    ['s3://bucket/../b', /not a prefix/],
    ['s3://bucket?endpont=http://h', /unknown parameter/],
    ['s3://bucket?region=a&region=b', /twice/],
    ['s3://bucket?region=a?b', /more than one/],
    ['s3://bucket?region=a%20b', /name of a region/],
    ['s3://bucket?endpoint=host', /endpoint is not a URL/],
    ['s3://bucket?endpoint=ftp://host', /must begin with http/],
    ['s3://bucket?endpoint=http://host/path', /a scheme, a host and a port/],
    ['s3://bucket?path-style=yes', /true or false/],
    ['s3:http://host', /names no bucket/],
    ['s3:http://host/bucket?region=x', /takes no parameters/],
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
      's3://key:hunter2@bucket/p',
      's3://bucket?endpoint=http://key:hunter2@host',
      's3:http://key:hunter2@host/bucket',
      's3:key:hunter2@host/bucket',
      's3://AKIA:hunter2/rest@bucket/p',
      's3://hunter2:x',
    ]) {
      assert.throws(
        () => parseStoreLocation(text),
        (error) => error instanceof UsageError && !error.message.includes('hunter2'),
        text,
      );
    }
  });
});
