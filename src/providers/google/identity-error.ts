import { StoreError, TranshipError, describeError } from '../../base/errors.ts';
import { meaningError, proxyRefused } from '../objects/meaning.ts';
import { isPassingNetworkError } from '../objects/network-error.ts';
import { field, textOf } from './json-value.ts';

/** A token's times are refused where the clocks differ; the words are those of Google's token endpoint. */
const CLOCK = /short-lived token|reasonable timeframe|\biat\b|\bexp\b/;
const NOTHING_FOUND = /Could not load the default credentials/;

/** Why no token could be had, as a StoreError; `where` is the credentials file, or stands for where it was sought. */
export function identityError(error: unknown, where: string): TranshipError {
  if (error instanceof TranshipError) return error;
  // Its message may repeat the file.
  if (isJsonError(error)) return refused('the credentials file is no JSON', where, error);
  if (field(error, 'response') !== undefined) return answerError(error, where);
  if (isPassing(error)) {
    return new StoreError('unavailable', 'the token server cannot be reached', {
      where,
      retryable: true,
      cause: error,
    });
  }
  const text = describeError(error).slice(0, 300);
  if (NOTHING_FOUND.test(text)) {
    return new StoreError('unauthenticated', 'no credentials were found for Google Cloud', {
      where,
      advice:
        'set GOOGLE_APPLICATION_CREDENTIALS, name a --credentials-file, or run gcloud auth application-default login',
      cause: error,
    });
  }
  return refused(`the credentials cannot be had: ${text}`, where, error);
}

function answerError(cause: unknown, where: string): StoreError {
  const status = Number(field(cause, 'status'));
  if (status >= 500 || status === 429 || status === 408) {
    const what = `the token server answered ${status}`;
    return new StoreError('unavailable', what, { where, retryable: true, cause });
  }
  if (status === 407) return meaningError(proxyRefused, where, { cause });
  const { error, description } = wordsOf(field(field(cause, 'response'), 'data'));
  if (error === 'invalid_grant' && CLOCK.test(description)) {
    return new StoreError('unauthenticated', 'this machine’s clock differs too much from Google’s', {
      where,
      advice: 'set the clock (NTP), then run the command again',
      cause,
    });
  }
  const words = [error, description].filter((text) => text !== '').join(': ');
  const text = describeError(words === '' ? String(status) : words).slice(0, 200);
  return refused(`the token server refused the credentials (${text})`, where, cause);
}

/** Of OAuth's form, or of the form of Google's other services. */
function wordsOf(data: unknown): { readonly error: string; readonly description: string } {
  const error = field(data, 'error');
  if (typeof error === 'string') return { error, description: textOf(field(data, 'error_description')) };
  return { error: textOf(field(error, 'status')), description: textOf(field(error, 'message')) };
}

function refused(what: string, where: string, cause: unknown): StoreError {
  const advice = 'check that the key or the account still exists, or get new credentials';
  return new StoreError('unauthenticated', what, { where, advice, cause });
}

/** The library changes the error's words, not its class. */
function isJsonError(error: unknown): boolean {
  return error instanceof SyntaxError;
}

function isPassing(error: unknown): boolean {
  const causes = [error, field(error, 'cause'), field(error, 'error')];
  return causes.some((cause) => isPassingNetworkError(cause));
}
