/**
 * Puts the contents of a tree into a bucket in objects of 16 MiB, the last of each file smaller, or gets them back:
 *   node raw-transfer.ts put|get FOLDER ENDPOINT BUCKET
 * Credentials and region come from the environment.
 */
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mkdir, open, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';

const pieceBytes = 16 * 2 ** 20;
const prefix = 'raw/';

const [action = '', folder = '', endpoint = '', bucket = ''] = process.argv.slice(2);
const client = new S3Client({
  endpoint,
  forcePathStyle: true,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
});
const limit = pLimit(8);

async function putAll(): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const work: Promise<void>[] = [];
  let count = 0;
  for (const path of paths) {
    const { size } = await stat(path);
    for (let offset = 0; offset < size; offset += pieceBytes) {
      const key = `${prefix}${count++}`;
      const length = Math.min(pieceBytes, size - offset);
      work.push(limit(() => putPiece(path, offset, length, key)));
    }
  }
  await Promise.all(work);
}

async function putPiece(path: string, offset: number, length: number, key: string): Promise<void> {
  const file = await open(path);
  try {
    const body = Buffer.alloc(length);
    await file.read(body, 0, length, offset);
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  } finally {
    await file.close();
  }
}

async function getAll(): Promise<void> {
  await mkdir(folder, { recursive: true });
  const work: Promise<void>[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
    );
    for (const { Key = '' } of page.Contents ?? []) work.push(limit(() => getPiece(Key)));
    token = page.NextContinuationToken;
  } while (token !== undefined);
  await Promise.all(work);
}

async function getPiece(key: string): Promise<void> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const bytes = await Body?.transformToByteArray();
  await writeFile(join(folder, key.slice(prefix.length)), bytes ?? new Uint8Array());
}

await (action === 'put' ? putAll() : getAll());
client.destroy();
