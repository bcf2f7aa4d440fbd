import type { OnReadOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { readAnswerHead } from './answer-head.ts';

/** As much as Node gives a read of its own. */
const SCRATCH_BYTES = 64 * 1024;
/** Less than this is not worth a read. */
const LEAST_SCRATCH_BYTES = 16 * 1024;
/** A piece of memory of our own, and what of it may wait for its reader before the server has to. */
const OWN_BYTES = 256 * 1024;
const MOST_WAITING_BYTES = 1024 * 1024;

const ZERO = 0x30;

/** The body of an answer that is read past Node's HTTP. */
export interface DirectBody {
  readonly sizeBytes: number;
  /**
   * The body's bytes, those that fit of them in `into`, one after the other; the rest in memory of their own. To be
   * called once. When it has ended or was left, nothing is written to `into` any more. Throws where the connection
   * ends before the body does, or the reason given to `fail`.
   */
  read(into: Uint8Array | undefined): AsyncGenerator<Uint8Array, void, undefined>;
  /** Ends the reading and the connection. */
  fail(reason: Error): void;
}

/**
 * One connection to a server, read into memory that is given to it. Node's HTTP takes new memory for every read, and
 * its parser copies it: most of the processor time of a large get is that. So the parser sees heads only. Of an answer
 * that is an object of stated size it is told that no body follows, and the body's bytes are read here, by their
 * number. Whatever else comes, it gets as it is.
 */
export class BodySocket {
  /** For `connect`. */
  readonly onread: OnReadOpts;
  #socket: Duplex | undefined;
  #state: 'head' | 'body' | 'complete' | 'other' = 'head';
  /** What came of a head. */
  #head: Uint8Array[] = [];
  #body: Body | undefined;
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #scratchUsed = 0;

  constructor() {
    this.onread = {
      buffer: () => this.#room(),
      callback: (count, memory) => this.#take(memory.subarray(0, count)),
    };
  }

  /** The socket that was made with `onread`. */
  attach(socket: Duplex): void {
    this.#socket = socket;
    socket.on('close', () => this.#body?.end());
  }

  /** Another request goes out on this connection. What is left of a body must not be taken for its answer. */
  expectAnswer(): void {
    if (this.#body?.isComplete === false) this.#socket?.destroy();
    this.#body = undefined;
    this.#head = [];
    this.#state = 'head';
  }

  /** Undefined where Node's HTTP has the body. */
  get body(): DirectBody | undefined {
    return this.#body;
  }

  #room(): Uint8Array {
    const room = this.#state === 'body' ? this.#body?.room() : undefined;
    if (room !== undefined) return room;
    if (this.#scratch.length - this.#scratchUsed < LEAST_SCRATCH_BYTES) {
      this.#scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
      this.#scratchUsed = 0;
    }
    return this.#scratch.subarray(this.#scratchUsed);
  }

  /** False where the server has to wait. */
  #take(bytes: Uint8Array): boolean {
    if (bytes.buffer === this.#scratch.buffer) this.#scratchUsed += bytes.byteLength;
    if (this.#state === 'body') return this.#takeBody(bytes);
    if (this.#state === 'complete') return this.#refuse();
    return this.#state === 'head' ? this.#takeHead(bytes) : this.#hand(bytes);
  }

  /** To Node's HTTP. */
  #hand(bytes: Uint8Array): boolean {
    return this.#socket?.push(bytes) ?? false;
  }

  #takeHead(bytes: Uint8Array): boolean {
    this.#head.push(bytes);
    const all = this.#head.length === 1 ? bytes : Buffer.concat(this.#head);
    const head = readAnswerHead(all);
    if (head.kind === 'unfinished') return true;
    this.#head = [];
    if (head.kind === 'other' || this.#socket === undefined) {
      this.#state = 'other';
      return this.#hand(all);
    }
    this.#state = 'body';
    this.#body = new Body(this.#socket, head.bodyBytes);
    all.fill(ZERO, head.digits.start, head.digits.end);
    this.#hand(all.subarray(0, head.headBytes));
    return this.#takeBody(all.subarray(head.headBytes));
  }

  #takeBody(bytes: Uint8Array): boolean {
    const body = this.#body;
    if (body === undefined) return this.#hand(bytes);
    const takenBytes = body.take(bytes);
    if (body.isComplete) this.#state = 'complete';
    return takenBytes < bytes.byteLength ? this.#refuse() : body.wantsMore;
  }

  /**
   * More came than was announced. Node's HTTP has its answer by now and would pass over it; what follows on this
   * connection must not be taken for the answer to another request.
   */
  #refuse(): boolean {
    this.#socket?.destroy();
    return false;
  }
}

class Body implements DirectBody {
  readonly sizeBytes: number;
  readonly #socket: Duplex;
  #missingBytes: number;
  #isRead = false;
  /** What is left of the memory given, and of the last piece of our own. */
  #into: Uint8Array = new Uint8Array(0);
  #own: Uint8Array = new Uint8Array(0);
  /** Arrived, and not yet asked for. */
  readonly #waiting: Uint8Array[] = [];
  /** Of these, in memory of our own. */
  #ownBytes = 0;
  #wake: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(socket: Duplex, sizeBytes: number) {
    this.#socket = socket;
    this.sizeBytes = sizeBytes;
    this.#missingBytes = sizeBytes;
  }

  get isComplete(): boolean {
    return this.#missingBytes === 0;
  }

  /** False while enough of it waits for its reader. */
  get wantsMore(): boolean {
    return this.isComplete || (this.#isRead && this.#ownBytes < MOST_WAITING_BYTES);
  }

  /** Where the next bytes go; undefined while there is no reader to say so. */
  room(): Uint8Array | undefined {
    if (!this.#isRead) return undefined;
    if (this.#into.byteLength > 0) return this.#into.subarray(0, this.#missingBytes);
    if (this.#own.byteLength === 0)
      this.#own = Buffer.allocUnsafeSlow(Math.min(OWN_BYTES, this.#missingBytes));
    return this.#own;
  }

  /** Takes what it lacks from the beginning of `bytes`, which stand in its room or elsewhere; returns how many. */
  take(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.#missingBytes);
    this.#missingBytes -= taken.byteLength;
    const fitting = taken.subarray(0, this.#into.byteLength);
    if (fitting.byteLength > 0) {
      if (!startsAt(fitting, this.#into)) this.#into.set(fitting);
      this.#keep(this.#into.subarray(0, fitting.byteLength));
      this.#into = this.#into.subarray(fitting.byteLength);
    }
    const rest = taken.subarray(fitting.byteLength);
    if (rest.byteLength > 0) {
      if (startsAt(rest, this.#own)) this.#own = this.#own.subarray(rest.byteLength);
      this.#ownBytes += rest.byteLength;
      this.#keep(rest);
    }
    this.#wake?.();
    return taken.byteLength;
  }

  async *read(into: Uint8Array | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    this.#begin(into);
    const given = into?.buffer;
    try {
      for (;;) {
        const piece = this.#waiting.shift();
        if (piece !== undefined) {
          if (piece.buffer !== given) {
            this.#ownBytes -= piece.byteLength;
            this.#socket.resume();
          }
          yield piece;
        } else if (this.#failure !== undefined) throw this.#failure;
        else if (this.isComplete) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      if (!this.isComplete) this.#socket.destroy();
    }
  }

  fail(reason: Error): void {
    this.#waiting.length = 0;
    this.#failure ??= reason;
    if (!this.isComplete) this.#socket.destroy();
    this.#wake?.();
  }

  /** The connection is closed. */
  end(): void {
    if (!this.isComplete) this.#failure ??= Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    this.#wake?.();
  }

  #begin(into: Uint8Array | undefined): void {
    const early = this.#waiting.splice(0);
    this.#missingBytes += this.#ownBytes;
    this.#ownBytes = 0;
    this.#isRead = true;
    if (into !== undefined) this.#into = into;
    for (const bytes of early) this.take(bytes);
    this.#socket.resume();
  }

  /** Pieces that stand side by side become one: the reader is asked as seldom as it asks. */
  #keep(piece: Uint8Array): void {
    const last = this.#waiting.at(-1);
    if (last?.buffer !== piece.buffer || last.byteOffset + last.byteLength !== piece.byteOffset) {
      this.#waiting.push(piece);
      return;
    }
    const joined = last.byteLength + piece.byteLength;
    this.#waiting[this.#waiting.length - 1] = new Uint8Array(piece.buffer, last.byteOffset, joined);
  }
}

function startsAt(bytes: Uint8Array, memory: Uint8Array): boolean {
  return bytes.buffer === memory.buffer && bytes.byteOffset === memory.byteOffset;
}
