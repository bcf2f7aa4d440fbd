import type { S3Client } from '@aws-sdk/client-s3';
import { StoreError } from '../../../base/errors.ts';

/** The SDK's client of one driver: made when it is first needed, and anew when its credentials have expired. */
export class S3Clients {
  readonly #create: () => Promise<S3Client>;
  readonly #where: string;
  /** Replaced, with requests that may still be under way. */
  readonly #retired: S3Client[] = [];
  #current: Promise<S3Client> | undefined;
  /** Clients that a server has accepted. */
  readonly #accepted = new WeakSet<S3Client>();
  #isClosed = false;

  constructor(where: string, create: () => Promise<S3Client>) {
    this.#where = where;
    this.#create = create;
  }

  async get(): Promise<S3Client> {
    if (this.#isClosed) {
      throw new StoreError('invalid-argument', 'the store was closed', { where: this.#where });
    }
    this.#current ??= this.#create().catch((error: unknown) => {
      this.#current = undefined;
      throw error;
    });
    return this.#current;
  }

  /** The server accepted the client's credentials. */
  worked(client: S3Client): void {
    this.#accepted.add(client);
  }

  /**
   * True when the next request may succeed with a new client: the credentials of this one were good before, or another
   * request has had it replaced already.
   */
  renew(client: S3Client): boolean {
    if (this.#retired.includes(client)) return true;
    if (!this.#accepted.has(client)) return false;
    this.#retired.push(client);
    this.#current = undefined;
    return true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const current = await this.#current?.catch(() => undefined);
    for (const client of [...this.#retired, current]) client?.destroy();
  }
}
