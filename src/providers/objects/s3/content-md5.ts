import { createHash } from 'node:crypto';
import type { ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3';
import type { S3Command } from './requests.ts';

/** The command with an MD5 of its text: every server wants some requests confirmed, older ones by nothing else. */
export function withContentMd5<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
  command: S3Command<I, O>,
): S3Command<I, O> {
  command.middlewareStack.add(
    (next) => async (args) => {
      addContentMd5(args.request);
      return next(args);
    },
    { step: 'build', name: 'transhipContentMd5' },
  );
  return command;
}

function addContentMd5(request: unknown): void {
  if (typeof request !== 'object' || request === null || !('body' in request) || !('headers' in request))
    return;
  const { body, headers } = request;
  if (typeof headers !== 'object' || headers === null || typeof body !== 'string') return;
  Object.assign(headers, { 'content-md5': createHash('md5').update(body).digest('base64') });
}
