import type {
  AbortableOptions,
  GetOptions,
  ListOptions,
  MultipartUpload,
  ObjectBody,
  ObjectDriver,
  ObjectInfo,
  PutOptions,
} from './driver.ts';
import { bodySizeBytes } from './object-body.ts';

/** Every request that a driver can be asked for. */
export type OperationKind =
  | 'put'
  | 'get'
  | 'head'
  | 'list'
  | 'delete'
  | 'delete-many'
  | 'create-multipart'
  | 'put-part'
  | 'complete-multipart'
  | 'abort-multipart';

/** One request, before it is sent. */
export interface Operation {
  readonly kind: OperationKind;
  /** The object's key; of a `list` the prefix, of a `delete-many` the first key. */
  readonly key: string;
  /** Bytes to be sent; 0 where nothing is. */
  readonly sizeBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** What a stream of a driver yields: bytes of a `get`, facts of a `list`. */
export type Streamed = Uint8Array | ObjectInfo;

/** Stands around every request of a driver; each function must call or open its work at most once at a time. */
export interface Interceptor {
  run<T>(operation: Operation, work: () => Promise<T>): Promise<T>;
  stream<T extends Streamed>(operation: Operation, open: () => AsyncIterable<T>): AsyncIterable<T>;
}

/** A driver whose every request goes through the interceptor. Its methods need no `this`, so it may be spread. */
export function intercept(driver: ObjectDriver, interceptor: Interceptor): ObjectDriver {
  return {
    url: driver.url,
    capabilities: driver.capabilities,
    put: (key: string, body: ObjectBody, options: PutOptions) =>
      interceptor.run(operation('put', key, options, bodySizeBytes(body)), () =>
        driver.put(key, body, options),
      ),
    get: (key: string, options: GetOptions) =>
      interceptor.stream(operation('get', key, options), () => driver.get(key, options)),
    head: (key: string, options: AbortableOptions) =>
      interceptor.run(operation('head', key, options), () => driver.head(key, options)),
    list: (prefix: string, options: ListOptions) =>
      interceptor.stream(operation('list', prefix, options), () => driver.list(prefix, options)),
    delete: (key: string, options: AbortableOptions) =>
      interceptor.run(operation('delete', key, options), () => driver.delete(key, options)),
    deleteMany: (keys: readonly string[], options: AbortableOptions) =>
      interceptor.run(operation('delete-many', keys[0] ?? '', options), () =>
        driver.deleteMany(keys, options),
      ),
    createMultipart: async (key: string, options: PutOptions) => {
      const create = () => driver.createMultipart(key, options);
      const upload = await interceptor.run(operation('create-multipart', key, options), create);
      return interceptUpload(key, upload, interceptor);
    },
    close: () => driver.close(),
  };
}

function interceptUpload(key: string, upload: MultipartUpload, interceptor: Interceptor): MultipartUpload {
  return {
    putPart: (partNumber, body, options = {}) =>
      interceptor.run(operation('put-part', key, options, body.byteLength), () =>
        upload.putPart(partNumber, body, options),
      ),
    complete: (options = {}) =>
      interceptor.run(operation('complete-multipart', key, options), () => upload.complete(options)),
    abort: () => interceptor.run(operation('abort-multipart', key, {}), () => upload.abort()),
  };
}

function operation(kind: OperationKind, key: string, options: AbortableOptions, sizeBytes = 0): Operation {
  return { kind, key, sizeBytes, signal: options.signal };
}
