import type { Clock } from '../../../src/base/clock.ts';
import type { MultipartUpload, ObjectDriver, PutMode } from '../../../src/providers/objects/driver.ts';
import { intercept } from '../../../src/providers/objects/intercept.ts';
import type {
  Interceptor,
  Operation,
  OperationKind,
  Streamed,
} from '../../../src/providers/objects/intercept.ts';
import { bodySizeBytes, copyBody } from '../../../src/providers/objects/object-body.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';

/** One request that has ended. */
export interface TraceEntry {
  readonly kind: OperationKind;
  /** The object's key; of a `list` the prefix. */
  readonly key: string;
  /** Position of its beginning and of its end among all beginnings and ends of the trace, from 0. */
  readonly began: number;
  readonly ended: number;
  readonly outcome: 'done' | 'failed';
  readonly sizeBytes: number;
  readonly mode?: PutMode;
  /** What a `put` stored, or a `complete-multipart` made of its parts; a copy. */
  readonly bytes?: Uint8Array;
}

export interface TraceOptions {
  /** Keep copies of what is put, as `replay` needs. Default true. */
  readonly keepBytes?: boolean;
}

/** The requests of one or more drivers, in the order in which they ended. */
export class Trace {
  readonly entries: TraceEntry[] = [];
  readonly keepBytes: boolean;
  #position = 0;

  constructor(options: TraceOptions = {}) {
    this.keepBytes = options.keepBytes ?? true;
  }

  /** Entries that changed the store, in order: what `replay` counts. */
  changes(): readonly TraceEntry[] {
    return this.entries.filter((entry) => entry.outcome === 'done' && CHANGES.has(entry.kind));
  }

  /** Call when a request begins, and what it returns when it has ended. */
  begin(
    operation: Operation,
    facts: { mode?: PutMode; bytes?: Uint8Array } = {},
  ): (outcome: 'done' | 'failed') => void {
    const { kind, key, sizeBytes } = operation;
    const began = this.#position++;
    return (outcome) => {
      this.entries.push({ kind, key, sizeBytes, ...facts, began, ended: this.#position++, outcome });
    };
  }
}

const CHANGES: ReadonlySet<OperationKind> = new Set(['put', 'complete-multipart', 'delete']);

/** A driver that records every request in the trace. */
export function withTrace(driver: ObjectDriver, trace: Trace): ObjectDriver {
  const interceptor: Interceptor = {
    run: (operation, work) => recorded(trace.begin(operation), work),
    stream: (operation, open) => recordedStream(trace, operation, open),
  };
  return {
    ...intercept(driver, interceptor),
    put: (key, body, options) => {
      const operation = { kind: 'put' as const, key, sizeBytes: bodySizeBytes(body), signal: options.signal };
      const bytes = trace.keepBytes ? { bytes: copyBody(body) } : {};
      const end = trace.begin(operation, { mode: options.mode ?? 'overwrite', ...bytes });
      return recorded(end, () => driver.put(key, body, options));
    },
    createMultipart: async (key, options) => {
      const operation = { kind: 'create-multipart' as const, key, sizeBytes: 0, signal: options.signal };
      const upload = await recorded(trace.begin(operation), () => driver.createMultipart(key, options));
      return tracedUpload(trace, key, upload);
    },
  };
}

/** What a store held after the first `count` changes of the trace: a crash at that moment. */
export function replay(trace: Trace, count: number, options: { clock?: Clock } = {}): MemoryDriver {
  const objects = new Map<string, Uint8Array>();
  for (const { kind, key, bytes } of trace.changes().slice(0, count)) {
    if (kind === 'delete') objects.delete(key);
    else if (bytes === undefined) throw new Error('a trace without bytes cannot be replayed');
    else objects.set(key, bytes);
  }
  return new MemoryDriver({ objects, clock: options.clock });
}

function tracedUpload(trace: Trace, key: string, upload: MultipartUpload): MultipartUpload {
  const parts = new Map<number, Uint8Array>();
  const operation = (kind: OperationKind, sizeBytes = 0): Operation => ({
    kind,
    key,
    sizeBytes,
    signal: undefined,
  });
  return {
    putPart: async (partNumber, body, options) => {
      const copy = trace.keepBytes ? Buffer.from(body) : new Uint8Array(0);
      const end = trace.begin(operation('put-part', body.byteLength));
      await recorded(end, () => upload.putPart(partNumber, body, options));
      parts.set(partNumber, copy);
    },
    complete: async (options) => {
      const inOrder = [...parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
      const facts = trace.keepBytes ? { bytes: Buffer.concat(inOrder) } : {};
      await recorded(trace.begin(operation('complete-multipart'), facts), () => upload.complete(options));
    },
    abort: () => recorded(trace.begin(operation('abort-multipart')), () => upload.abort()),
  };
}

async function recorded<T>(end: (outcome: 'done' | 'failed') => void, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    end('done');
    return result;
  } catch (error) {
    end('failed');
    throw error;
  }
}

async function* recordedStream<T extends Streamed>(
  trace: Trace,
  operation: Operation,
  open: () => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const end = trace.begin(operation);
  let outcome: 'done' | 'failed' = 'done';
  try {
    yield* open();
  } catch (error) {
    outcome = 'failed';
    throw error;
  } finally {
    end(outcome);
  }
}
