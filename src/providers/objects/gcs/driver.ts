import type { IncomingMessage } from 'node:http';
import { StoreError, TranshipError, UsageError, asError, throwIfAborted } from '../../../base/errors.ts';
import type {
  AbortableOptions,
  ByteRange,
  DriverCapabilities,
  GetOptions,
  ListOptions,
  MultipartUpload,
  ObjectBody,
  ObjectDriver,
  ObjectInfo,
  PutOptions,
} from '../driver.ts';
import { silentLogger } from '../../../base/logger.ts';
import { createIdentity } from '../../google/identity.ts';
import type { GoogleIdentity } from '../../google/identity.ts';
import { ConnectionAgents } from '../connection-agents.ts';
import { ConnectionWarnings } from '../connection-warnings.ts';
import type { ServiceDriverOptions } from '../driver-options.ts';
import { Renewable } from '../renewable.ts';
import { checkedIdleTimeoutMs } from '../request-scope.ts';
import type { RequestScope } from '../request-scope.ts';
import type { GcsSettings } from '../settings.ts';
import { BATCH_CALLS, deleteObjects } from './deletion.ts';
import { HttpClient } from './http-client.ts';
import { listObjects, objectInfo } from './listing.ts';
import { formatGcsLocation, gcsEndpointOrigin } from './location.ts';
import type { GcsLocation } from './location.ts';
import { GcsMultipartUpload } from './multipart.ts';
import { GcsRequests } from './requests.ts';
import type { Call } from './requests.ts';
import { checkedUniverse } from '../../google/universe.ts';
import { uploadObject } from './upload.ts';

const CONNECTIONS = 16;
const RANGE_NOT_SATISFIABLE = 416;
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
const KMS_KEY = /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/;

/**
 * A bucket of Google Cloud Storage, by its JSON API. Keys are those of the bucket, without a prefix. An object is put
 * in one request, which is what an attempt of ours is: a session (resumable upload) would cost a round trip more and
 * only pays where one attempt goes on with the bytes of another.
 */
export class GcsDriver implements ObjectDriver {
  readonly url: string;
  readonly capabilities: DriverCapabilities;
  readonly #requests: GcsRequests;
  readonly #identities: Renewable<GoogleIdentity>;
  readonly #agents: Renewable<ConnectionAgents>;

  /** Throws UsageError for settings that cannot be carried out. */
  constructor(location: GcsLocation, settings: GcsSettings = {}, options: ServiceDriverOptions = {}) {
    const { connections = CONNECTIONS, logger = silentLogger } = options;
    const idleTimeoutMs = checkedIdleTimeoutMs(settings.idleTimeoutMs);
    const configured = settings.endpoint === undefined ? undefined : gcsEndpointOrigin(settings.endpoint);
    const universe = checkedUniverse(settings.universeDomain);
    const endpoint = location.endpoint ?? configured ?? `https://storage.${universe}`;
    this.url = formatGcsLocation({ ...location, prefix: '' });
    this.capabilities = {
      connections,
      atomicCreate: true,
      confirmsPuts: true,
      comparesSha256: false,
      partsLeaveNothing: false,
      keysPerDeletion: BATCH_CALLS,
    };
    // Messages name the whole location; `url` is that of the bucket, of which a prefix is a view.
    const url = formatGcsLocation(location);
    // The universe's own hosts, those of regions and of private connections included.
    const isInUniverse = `.${new URL(endpoint).hostname}`.endsWith(`.${universe}`);
    this.#agents = new Renewable({
      where: url,
      create: () => ConnectionAgents.open(settings),
      destroy: (agents) => agents.close(),
    });
    this.#identities = new Renewable({
      where: url,
      create: () => createIdentity(settings, { isInUniverse, timeoutMs: idleTimeoutMs, scopes: [SCOPE] }),
      destroy: (identity) => identity.close(),
    });
    this.#requests = new GcsRequests({
      bucket: location.bucket,
      url,
      endpoint,
      userProject: location.userProject,
      kmsKeyName: checkedKey(settings.kmsKeyName),
      allowHttp: settings.allowHttp ?? false,
      insecureTls: settings.insecureTls ?? false,
      warnings: new ConnectionWarnings(logger),
      idleTimeoutMs,
      client: new HttpClient(endpoint, () => this.#agents.get()),
      identities: this.#identities,
    });
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<void> {
    const { mode = 'overwrite', signal, pace } = options;
    await uploadObject(this.#requests, { key, body, mode, signal, pace });
  }

  async *get(key: string, options: GetOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const { range } = options;
    const scope = this.#requests.open(key, options.signal);
    let answer: IncomingMessage | undefined;
    try {
      answer = await this.#openBody(scope, key, range);
      if (answer !== undefined) yield* this.#readBody(scope, answer, key);
    } finally {
      scope.close();
      answer?.destroy();
    }
  }

  async head(key: string, { signal }: AbortableOptions): Promise<ObjectInfo> {
    const found = await this.#requests.call(
      { method: 'GET', path: this.#requests.objectPath(key), query: { fields: 'name,size,updated' } },
      { where: key, signal },
    );
    return { ...objectInfo(found), key };
  }

  list(prefix: string, options: ListOptions): AsyncIterable<ObjectInfo> {
    return listObjects(this.#requests, prefix, options);
  }

  async delete(key: string, { signal }: AbortableOptions): Promise<void> {
    try {
      const call: Call = { method: 'DELETE', path: this.#requests.objectPath(key) };
      await this.#requests.callForText(call, { where: key, signal });
    } catch (error) {
      if (!(error instanceof TranshipError) || error.code !== 'not-found') throw error;
    }
  }

  async deleteMany(keys: readonly string[], { signal }: AbortableOptions): Promise<void> {
    await deleteObjects(this.#requests, keys, signal);
  }

  async createMultipart(key: string, options: PutOptions): Promise<MultipartUpload> {
    throwIfAborted(options.signal);
    return Promise.resolve(new GcsMultipartUpload(this.#requests, key, options));
  }

  async close(): Promise<void> {
    await this.#identities.close();
    await this.#agents.close();
  }

  /** Undefined when the range begins behind the object's last byte. */
  async #openBody(
    scope: RequestScope,
    key: string,
    range: ByteRange | undefined,
  ): Promise<IncomingMessage | undefined> {
    const call: Call = {
      method: 'GET',
      path: this.#requests.objectPath(key),
      query: { alt: 'media' },
      headers: range === undefined ? {} : { range: rangeHeader(range) },
    };
    const answer = await this.#requests.sendWithin(scope, call, key, [RANGE_NOT_SATISFIABLE]);
    if (answer.statusCode === RANGE_NOT_SATISFIABLE) return undefined;
    if (range === undefined || range.start === 0 || answer.statusCode === 206) return answer;
    throw new StoreError('unsupported', 'the server does not answer ranges', { where: key });
  }

  async *#readBody(
    scope: RequestScope,
    answer: IncomingMessage,
    key: string,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let received = 0;
    scope.signal.addEventListener('abort', () => answer.destroy(asError(scope.failure)), { once: true });
    try {
      for await (const piece of answer) {
        if (!(piece instanceof Uint8Array)) continue;
        received += piece.byteLength;
        scope.pause();
        yield piece;
        scope.resume();
      }
    } catch (error) {
      throw this.#requests.failureOf(error, scope, key);
    }
    const expected = answer.headers['content-length'];
    if (expected === undefined || received === Number(expected)) return;
    throw new StoreError('unavailable', `the body ended after ${received} of ${expected} bytes`, {
      where: key,
      retryable: true,
    });
  }
}

function checkedKey(name: string | undefined): string | undefined {
  if (name === undefined || KMS_KEY.test(name)) return name;
  throw new UsageError('not the name of a key of Google’s key service', {
    where: name,
    advice: 'write projects/PROJECT/locations/PLACE/keyRings/RING/cryptoKeys/KEY',
  });
}

function rangeHeader({ start, end }: ByteRange): string {
  return end >= Number.MAX_SAFE_INTEGER ? `bytes=${start}-` : `bytes=${start}-${end - 1}`;
}
