import { randomBytes } from 'node:crypto';
import { StoreError } from '../../../base/errors.ts';
import { parseRefusal, refusalError } from './gcs-error.ts';
import type { GcsRequests } from './requests.ts';

/** What one batch takes. */
export const BATCH_CALLS = 100;

/** Deletes the objects in batches; throws for the first that the server refused to delete. */
export async function deleteObjects(
  requests: GcsRequests,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let start = 0; start < keys.length; start += BATCH_CALLS) {
    await deleteBatch(requests, keys.slice(start, start + BATCH_CALLS), signal);
  }
}

async function deleteBatch(
  requests: GcsRequests,
  batch: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const boundary = randomBytes(16).toString('hex');
  const parts = batch.map(
    (key, index) =>
      `--${boundary}\r\ncontent-type: application/http\r\ncontent-id: <${index + 1}>\r\n\r\n` +
      `DELETE ${requests.objectPath(key)} HTTP/1.1\r\n\r\n\r\n`,
  );
  const { body, headers } = await requests.callForText(
    {
      method: 'POST',
      path: '/batch/storage/v1',
      headers: { 'content-type': `multipart/mixed; boundary=${boundary}` },
      body: Buffer.from(`${parts.join('')}--${boundary}--\r\n`),
    },
    { where: batch[0] ?? '', signal },
  );
  const answers = splitAnswers(body, headers['content-type'] ?? '');
  for (const [index, key] of batch.entries()) checkAnswer(requests, answers.get(index + 1), key);
}

interface PartAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** The answers by the number of their call; what cannot be read is left out. */
function splitAnswers(text: string, contentType: string): ReadonlyMap<number, PartAnswer> {
  const [, quoted, plain] = /boundary=(?:"([^"]+)"|([^;\s]+))/.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return new Map();
  const parts = text.split(`--${boundary}`).slice(1);
  return new Map(
    parts.flatMap((part) => {
      const number = /^content-id:\s*<response-(\d+)>/im.exec(part)?.[1];
      const answer = readAnswer(part);
      return number === undefined || answer === undefined ? [] : [[Number(number), answer] as const];
    }),
  );
}

/** The answer in a part, which begins at its status line; undefined where there is none. */
function readAnswer(part: string): PartAnswer | undefined {
  const statusLine = /^HTTP\/1\.\d (\d{3})/m.exec(part);
  if (statusLine === null) return undefined;
  const answer = part.slice(statusLine.index);
  const blankLine = /\r?\n\r?\n/.exec(answer);
  const head = blankLine === null ? answer : answer.slice(0, blankLine.index);
  const body = blankLine === null ? '' : answer.slice(blankLine.index).trim();
  return { status: Number(statusLine[1]), retryAfter: /^retry-after:\s*(\d+)/im.exec(head)?.[1], body };
}

function checkAnswer(requests: GcsRequests, answer: PartAnswer | undefined, key: string): void {
  if (answer === undefined) {
    throw new StoreError('corrupt', 'the server’s answer to a batch lacks a part', {
      where: key,
      retryable: true,
    });
  }
  const { status, retryAfter, body } = answer;
  if (status >= 200 && status < 300) return;
  const error = refusalError({ ...parseRefusal(status, body), retryAfter }, { key, url: requests.url });
  if (error.code !== 'not-found') throw error;
}
