import { ServiceException } from '@smithy/core/client';
import { isPassingNetworkError } from '../objects/network-error.ts';

/** What a service of Amazon's, or one that speaks like it, answered instead of doing what it was asked. */
export interface Answer {
  /** The code in the answer; that of the SDK's own error where the answer could not be read. */
  readonly name: string;
  readonly message: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Of an error that was made of an answer, readable or not. */
export function answerOf(error: unknown): Answer | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  if (error instanceof ServiceException) {
    const status = error.$metadata.httpStatusCode ?? 0;
    return { name, message, status, headers: error.$response?.headers ?? {} };
  }
  if (!('$response' in error)) return undefined;
  const response = error.$response;
  if (typeof response !== 'object' || response === null || !('statusCode' in response)) return undefined;
  const headers = 'headers' in response ? headersOf(response.headers) : {};
  return { name: '', message: '', status: Number(response.statusCode), headers };
}

/** True for what a network or a server may get over by itself. */
export function isTransient(error: unknown): boolean {
  const status = answerOf(error)?.status ?? 0;
  return status >= 500 || status === 429 || isPassingNetworkError(error);
}

function headersOf(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) return {};
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
