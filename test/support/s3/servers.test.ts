import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { createBucket, s3Client } from './s3-client.ts';
import { s3FaultSuite, s3Suite } from './s3-suite.ts';

const smallestPartSizeBytes = 5 * 2 ** 20;

async function read(client: S3Client, bucket: string, key: string): Promise<Uint8Array> {
  const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  assert.ok(answer.Body !== undefined);
  return answer.Body.transformToByteArray();
}

s3Suite('S3 server', (server) => {
  let client: S3Client;
  let bucket: string;
  before(async () => {
    client = s3Client(server());
    bucket = await createBucket(server());
  });
  after(() => client.destroy());

  it('puts, gets and lists', async () => {
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'data/aa/1', Body: 'contents' }));
    assert.equal(Buffer.from(await read(client, bucket, 'data/aa/1')).toString(), 'contents');
    const listing = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'data/' }));
    assert.deepEqual(
      listing.Contents?.map(({ Key, Size }) => [Key, Size]),
      [['data/aa/1', 8]],
    );
  });

  it('lets one of several writers create a key', async () => {
    const puts = Array.from({ length: 8 }, (_, writer) =>
      client.send(new PutObjectCommand({ Bucket: bucket, Key: 'once', Body: `${writer}`, IfNoneMatch: '*' })),
    );
    const outcomes = await Promise.allSettled(puts);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    const refusals = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason.name] : [],
    );
    assert.deepEqual(new Set(refusals), new Set(['PreconditionFailed']));
  });

  it('joins the parts of a multipart upload', async () => {
    const object = { Bucket: bucket, Key: 'parts' };
    const parts = [Buffer.alloc(smallestPartSizeBytes, 1), Buffer.from('tail')];
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(object));
    const pending = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    assert.deepEqual(
      pending.Uploads?.map((upload) => upload.UploadId),
      [UploadId],
    );
    const Parts = await Promise.all(
      parts.map(async (Body, index) => {
        const place = { UploadId, PartNumber: index + 1 };
        const { ETag } = await client.send(new UploadPartCommand({ ...object, ...place, Body }));
        return { ETag, PartNumber: place.PartNumber };
      }),
    );
    await client.send(
      new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts } }),
    );
    assert.ok(Buffer.concat(parts).equals(await read(client, bucket, 'parts')));
    const left = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    assert.deepEqual(left.Uploads ?? [], []);
  });
});

s3FaultSuite('S3 server behind toxiproxy', (server, toxiproxy) => {
  const sizeBytes = 2 ** 20;
  let bucket: string;
  before(async () => {
    bucket = await createBucket(server());
    const client = s3Client(server());
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'big', Body: Buffer.alloc(sizeBytes) }));
    client.destroy();
  });

  it('cuts a body, refuses connections, and lets all through again', async () => {
    const proxy = await toxiproxy().proxy(server().endpoint);
    const client = s3Client({ ...server(), endpoint: proxy.endpoint });
    const cut = await proxy.addToxic('limit_data', { bytes: sizeBytes / 2 });
    await assert.rejects(read(client, bucket, 'big'), { code: 'ECONNRESET' });
    await proxy.removeToxic(cut);
    await proxy.setEnabled(false);
    await assert.rejects(read(client, bucket, 'big'), { code: 'ECONNREFUSED' });
    await proxy.setEnabled(true);
    assert.equal((await read(client, bucket, 'big')).length, sizeBytes);
    client.destroy();
  });

  it('stalls a body that has begun', async () => {
    const proxy = await toxiproxy().proxy(server().endpoint);
    const client = s3Client({ ...server(), endpoint: proxy.endpoint });
    // 64 kB/s: the body is under way for 16 s.
    await proxy.addToxic('bandwidth', { rate: 64 });
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'big' }));
    assert.ok(Body !== undefined);
    const stall = await proxy.addToxic('timeout', { timeout: 0 });
    const whole = Body.transformToByteArray();
    const silence = new Promise((resolve) => setTimeout(resolve, 300, 'silent'));
    assert.equal(await Promise.race([whole, silence]), 'silent');
    // Ends it: a removed `timeout` closes the connections that it has held.
    await proxy.removeToxic(stall);
    await assert.rejects(whole, { code: 'ECONNRESET' });
    client.destroy();
  });
});
