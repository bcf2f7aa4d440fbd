import { randomBytes } from 'node:crypto';
import { StoreError } from '../../../base/errors.ts';
import { hashOf } from '../body-hash.ts';
import type { ObjectBody, Pace, PutMode } from '../driver.ts';
import { bodyPieces } from '../object-body.ts';
import { field, textOf } from '../../google/json-value.ts';
import { makeObject } from './new-object.ts';
import type { GcsRequests } from './requests.ts';

/** One object to be stored in one request. */
export interface Upload {
  readonly key: string;
  readonly body: ObjectBody;
  readonly mode: PutMode;
  readonly signal: AbortSignal | undefined;
  readonly pace: Pace | undefined;
}

/**
 * Stores an object in one request and resolves to its generation. The request names the MD5 of the bytes, so that the
 * server refuses others, and the answer must name it too.
 */
export async function uploadObject(
  requests: GcsRequests,
  { key, body, mode, signal, pace }: Upload,
): Promise<string> {
  const md5Hash = (await hashOf(body, 'md5', signal)).toString('base64');
  const boundary = randomBytes(16).toString('hex');
  const metadata = JSON.stringify({ name: key, contentType: 'application/octet-stream', md5Hash });
  const stored = await makeObject(
    requests,
    {
      method: 'POST',
      path: `/upload${requests.objectPath()}`,
      query: { uploadType: 'multipart' },
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      body: [
        Buffer.from(
          `--${boundary}\r\ncontent-type: application/json\r\n\r\n${metadata}\r\n` +
            `--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`,
        ),
        ...bodyPieces(body),
        Buffer.from(`\r\n--${boundary}--\r\n`),
      ],
      pace,
    },
    { name: key, where: key, isCreate: mode === 'create', fields: ['md5Hash'], signal },
  );
  if (textOf(field(stored, 'md5Hash')) === md5Hash) return textOf(field(stored, 'generation'));
  throw new StoreError('corrupt', 'the server does not confirm the bytes that were sent', {
    where: key,
    retryable: true,
  });
}
