import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { StoreError } from '../../../base/errors.ts';
import { orAborted } from '../../../base/until-aborted.ts';
import type { GoogleIdentity } from '../../google/identity.ts';
import { parseJson } from '../../google/json-value.ts';
import { bodyStream } from '../body-stream.ts';
import type { ObjectBody, Pace } from '../driver.ts';
import type { ConnectionWarnings } from '../connection-warnings.ts';
import { isOpenNetwork, openTokenError } from '../endpoint.ts';
import { bodySizeBytes } from '../object-body.ts';
import type { Renewable } from '../renewable.ts';
import { RequestScope } from '../request-scope.ts';
import { isWebPage } from '../web-page.ts';
import { gcsError, parseRefusal, refusalError, saysWhatIsMissing } from './gcs-error.ts';
import type { Refusal } from './gcs-error.ts';
import type { HttpClient, HttpRequest } from './http-client.ts';

/** The longest answer that is read: a page of 1,000 objects with keys of 1,024 bytes is below 2 MB. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;

export interface CallOptions {
  /** The key, or the prefix. */
  readonly where: string;
  readonly signal: AbortSignal | undefined;
}

/** One call of the JSON API. */
export interface Call {
  readonly method: HttpRequest['method'];
  /** Percent-encoded. */
  readonly path: string;
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: ObjectBody | undefined;
  readonly pace?: Pace | undefined;
}

export interface GcsRequestsOptions {
  readonly bucket: string;
  /** Of the store, with its prefix, for messages. */
  readonly url: string;
  readonly endpoint: string;
  readonly userProject: string | undefined;
  /** Of what is stored. */
  readonly kmsKeyName: string | undefined;
  readonly allowHttp: boolean;
  readonly insecureTls: boolean;
  readonly warnings: ConnectionWarnings;
  readonly idleTimeoutMs: number;
  readonly client: HttpClient;
  readonly identities: Renewable<GoogleIdentity>;
}

/** Sends requests about one bucket, each abortable and with an idle limit; what fails is a TranshipError. */
export class GcsRequests {
  readonly #options: GcsRequestsOptions;
  #bucketExists = false;

  constructor(options: GcsRequestsOptions) {
    this.#options = options;
  }

  /** The store's location, for messages. */
  get url(): string {
    return this.#options.url;
  }

  /** Of the key that the server shall encrypt new objects with. */
  get kmsKeyName(): string | undefined {
    return this.#options.kmsKeyName;
  }

  /** Path of the bucket's objects, or of one. */
  objectPath(key?: string): string {
    const objects = `/storage/v1/b/${encodeURIComponent(this.#options.bucket)}/o`;
    return key === undefined ? objects : `${objects}/${encodeURIComponent(key)}`;
  }

  /** The value of the answer's JSON. */
  async call(call: Call, options: CallOptions): Promise<unknown> {
    const text = await this.callForText(call, options);
    const value = parseJson(text.body);
    if (typeof value === 'object' && value !== null) return value;
    throw unreadable(this.#whereOf(options.where));
  }

  /** The answer's body as text, and its headers. */
  async callForText(
    call: Call,
    { where, signal }: CallOptions,
  ): Promise<{ readonly body: string; readonly headers: IncomingMessage['headers'] }> {
    const scope = this.open(where, signal);
    try {
      const answer = await this.sendWithin(scope, call, where);
      return { body: await this.#readText(scope, answer, where), headers: answer.headers };
    } finally {
      scope.close();
    }
  }

  /** A scope for a request whose body is read after its answer came; the caller closes it. */
  open(where: string, signal: AbortSignal | undefined): RequestScope {
    return new RequestScope(this.#whereOf(where), this.#options.idleTimeoutMs, signal);
  }

  /** The answer, once it is a success or has one of the `expected` statuses; the caller reads its body. */
  async sendWithin(
    scope: RequestScope,
    call: Call,
    where: string,
    expected: readonly number[] = [],
  ): Promise<IncomingMessage> {
    const identity = await this.#identity(scope, where);
    const authorization = await this.#authorization(identity, scope, where);
    const answer = await this.#send(scope, call, authorization, where);
    if (isPage(answer)) throw this.#pageError();
    const { statusCode = 0 } = answer;
    if ((statusCode >= 200 && statusCode < 300) || expected.includes(statusCode)) {
      this.#options.identities.worked(identity);
      return answer;
    }
    const refusal = await this.#readRefusal(scope, answer, where);
    if (statusCode === 401 && this.#options.identities.renew(identity)) {
      // The credentials were good once: new ones may lie ready.
      const { code, what } = this.#errorOf(refusal, where);
      throw new StoreError(code, what, { where: this.#options.url, retryable: true });
    }
    if (statusCode === 404 && !saysWhatIsMissing(refusal)) await this.#refuseMissingBucket(scope, where);
    throw this.#errorOf(refusal, where);
  }

  /** What a request or the reading of its answer threw, as what became of it. */
  failureOf(error: unknown, scope: RequestScope, where: string): unknown {
    return scope.failure ?? gcsError(error, { key: where, url: this.#options.url });
  }

  /** Google says whether object or bucket is missing; where a server does not, the bucket is looked for once. */
  async #refuseMissingBucket(scope: RequestScope, where: string): Promise<void> {
    if (this.#bucketExists) return;
    const identity = await this.#identity(scope, where);
    const authorization = await this.#authorization(identity, scope, where);
    const listing: Call = { method: 'GET', path: this.objectPath(), query: { maxResults: '1' } };
    const answer = await this.#send(scope, listing, authorization, where);
    const refusal = await this.#readRefusal(scope, answer, where);
    if (answer.statusCode === 200) this.#bucketExists = true;
    if (answer.statusCode === 404) {
      throw this.#errorOf({ ...refusal, message: 'The specified bucket does not exist.' }, where);
    }
  }

  async #identity(scope: RequestScope, where: string): Promise<GoogleIdentity> {
    try {
      return await orAborted(this.#options.identities.get(), scope.signal);
    } catch (error) {
      throw this.failureOf(error, scope, where);
    }
  }

  async #authorization(
    identity: GoogleIdentity,
    scope: RequestScope,
    where: string,
  ): Promise<Readonly<Record<string, string>>> {
    try {
      return await orAborted(identity.headers(), scope.signal);
    } catch (error) {
      // A token that does not come would be waited for by every later request as well.
      if (scope.fellSilent) this.#options.identities.replace(identity);
      throw this.failureOf(error, scope, where);
    }
  }

  async #send(
    scope: RequestScope,
    call: Call,
    authorization: Readonly<Record<string, string>>,
    where: string,
  ): Promise<IncomingMessage> {
    const { endpoint, allowHttp, insecureTls, warnings, client, userProject } = this.#options;
    const url = new URL(endpoint);
    warnings.openNetwork(url, allowHttp);
    if (isOpenNetwork(url) && Object.keys(authorization).length > 0) {
      throw openTokenError(url.origin, 'use https://');
    }
    if (insecureTls) warnings.uncheckedCertificate(endpoint);
    const { method, path, body, headers, pace, query = {} } = call;
    const payer = userProject === undefined ? {} : { 'x-goog-user-project': userProject };
    const stream = body === undefined ? undefined : bodyStream(body, scope.bodyEvents(pace));
    const length = body === undefined ? {} : { 'content-length': bodySizeBytes(body) };
    try {
      const answer = await client.send(
        {
          method,
          path: `${path}${queryText(query)}`,
          headers: { 'user-agent': 'tranship', ...authorization, ...payer, ...headers, ...length },
          body: stream,
        },
        scope.signal,
      );
      scope.watch(answer.socket);
      return answer;
    } catch (error) {
      throw this.failureOf(error, scope, where);
    } finally {
      stream?.destroy();
    }
  }

  async #readText(scope: RequestScope, answer: IncomingMessage, where: string): Promise<string> {
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    try {
      for await (const piece of answer) {
        if (!Buffer.isBuffer(piece)) continue;
        sizeBytes += piece.byteLength;
        if (sizeBytes > MAX_ANSWER_BYTES) throw unreadable(this.#whereOf(where));
        pieces.push(piece);
      }
    } catch (error) {
      throw this.failureOf(error, scope, where);
    }
    return Buffer.concat(pieces).toString('utf8');
  }

  async #readRefusal(scope: RequestScope, answer: IncomingMessage, where: string): Promise<Refusal> {
    const body = await this.#readText(scope, answer, where);
    return {
      ...parseRefusal(answer.statusCode ?? 0, body),
      retryAfter: answer.headers['retry-after'],
      redirect: answer.headers.location,
    };
  }

  #errorOf(refusal: Refusal, where: string): StoreError {
    return refusalError(refusal, { key: where, url: this.#options.url });
  }

  #pageError(): StoreError {
    return new StoreError('unsupported', 'the endpoint answered with a web page, not as a GCS server', {
      where: this.#options.url,
      advice: 'check host and port of the endpoint',
    });
  }

  #whereOf(where: string): string {
    return where === '' ? this.#options.url : where;
  }
}

function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return given.length === 0 ? '' : `?${given.join('&')}`;
}

/** Google's own answers about media are of that type too, but marked. */
function isPage({ statusCode = 0, headers }: IncomingMessage): boolean {
  return (
    isWebPage(statusCode, headers['content-type'] ?? '') && headers['x-guploader-uploadid'] === undefined
  );
}

function unreadable(where: string): StoreError {
  return new StoreError('corrupt', 'the server’s answer cannot be read', { where, retryable: true });
}
