/** What becomes of the retention of an object in parts where the answers to its last requests are lost. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { StoreError } from '../../../../src/base/errors.ts';
import { withRetry } from '../../../../src/providers/objects/retry.ts';
import { S3Driver } from '../../../../src/providers/objects/s3/driver.ts';
import { parseS3Location } from '../../../../src/providers/objects/s3/location.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';
import type { PutMode } from '../../../../src/providers/objects/driver.ts';
import { listening } from '../../../support/listening.ts';

type Kind = 'begin' | 'part' | 'complete' | 'head' | 'retain' | 'abort';

interface Bucket {
  readonly seen: Kind[];
  readonly store: ObjectStore;
  /** The version whose retention was set last; undefined where none was named. */
  retained: string | null | undefined;
}

/** A bucket that forgets what retention an upload in parts began with, as Ceph 16 does; `fails` answers badly. */
async function bucketThat(
  t: TestContext,
  fails: (kind: Kind, count: number) => 'loses its answer' | 'fails' | undefined,
  existingBytes?: number,
): Promise<Bucket> {
  const seen: Kind[] = [];
  let sizeBytes = existingBytes;
  let sentBytes = 0;
  let isOpen = false;
  const kindOf = (method: string, query: URLSearchParams): Kind => {
    if (query.has('uploads')) return 'begin';
    if (query.has('retention')) return 'retain';
    if (method === 'HEAD') return 'head';
    if (method === 'DELETE') return 'abort';
    return method === 'POST' ? 'complete' : 'part';
  };
  const server = createServer((request, response) => {
    let bodyBytes = 0;
    request.on('data', (piece: Buffer) => (bodyBytes += piece.byteLength));
    request.on('end', () => {
      const query = new URL(request.url ?? '', 'http://h').searchParams;
      const kind = kindOf(request.method ?? '', query);
      seen.push(kind);
      const fault = fails(kind, seen.filter((other) => other === kind).length);
      const head = { 'x-amz-request-id': '1', 'x-amz-version-id': 'v1' };
      const say = (status: number, body = '', headers: Record<string, string> = {}): void => {
        if (fault === 'loses its answer') response.destroy();
        else response.writeHead(status, { ...head, ...headers }).end(body);
      };
      const refuse = (status: number, code: string): void =>
        say(status, `<Error><Code>${code}</Code></Error>`);
      if (fault === 'fails') return refuse(503, 'SlowDown');
      switch (kind) {
        case 'begin':
          isOpen = true;
          return say(
            200,
            '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>',
          );
        case 'part':
          sentBytes += bodyBytes;
          return say(200, '', { etag: '"1"' });
        case 'complete':
          if (!isOpen) return refuse(404, 'NoSuchUpload');
          isOpen = false;
          sizeBytes = sentBytes;
          return say(200, '<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>');
        case 'head':
          return sizeBytes === undefined ? say(404) : say(200, '', { 'content-length': String(sizeBytes) });
        case 'retain':
          bucket.retained = query.get('versionId') ?? undefined;
          return say(200);
        case 'abort':
          return say(204);
      }
    });
  });
  const endpoint = `http://127.0.0.1:${await listening(t, server)}`;
  const driver = new S3Driver(parseS3Location(`//bucket?endpoint=${endpoint}`), {
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    objectLock: { mode: 'COMPLIANCE', days: 1 },
  });
  t.after(() => driver.close());
  const store = new ObjectStore(withRetry(driver, { firstDelayMs: 1 }));
  const bucket: Bucket = { seen, store, retained: null };
  return bucket;
}

function put({ store }: Bucket, mode: PutMode): Promise<unknown> {
  return store.putLarge('large', [Buffer.alloc(10)], { partSizeBytes: 5, mode });
}

describe('an object in parts', () => {
  for (const mode of ['create', 'overwrite'] as const) {
    it(`has its retention where the answer to its completion is lost, in mode ${mode}`, async (t) => {
      const bucket = await bucketThat(t, (kind, count) =>
        kind === 'complete' && count === 1 ? 'loses its answer' : undefined,
      );
      await put(bucket, mode);
      assert.equal(bucket.retained, 'v1');
    });

    it(`is not completed again where its retention is refused in passing, in mode ${mode}`, async (t) => {
      const bucket = await bucketThat(t, (kind, count) =>
        kind === 'retain' && count <= 2 ? 'fails' : undefined,
      );
      await put(bucket, mode);
      assert.equal(bucket.retained, 'v1');
      assert.equal(bucket.seen.filter((kind) => kind === 'complete').length, 1);
    });
  }

  it('sets no retention for an object that another writer has made', async (t) => {
    const bucket = await bucketThat(t, () => undefined, 11);
    await assert.rejects(
      put(bucket, 'create'),
      (error) => error instanceof StoreError && error.code === 'already-exists',
    );
    assert.equal(bucket.retained, null);
    assert.ok(!bucket.seen.includes('retain'));
  });
});
