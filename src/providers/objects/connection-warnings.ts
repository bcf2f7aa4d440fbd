import type { Logger } from '../../base/logger.ts';
import { isOpenNetwork, openNetworkError } from './endpoint.ts';

/** Says what is unsafe in how one store is reached, each thing once. */
export class ConnectionWarnings {
  readonly #logger: Logger;
  readonly #said = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** To be told of the store's endpoint, or its location, where any certificate of its server is taken. */
  uncheckedCertificate(where: string): void {
    this.#warn(
      `the certificate of ${where} is not checked: whoever is in between can read and change what is sent`,
    );
  }

  /** Throws UsageError for a request that would go unencrypted over a network, or warns of it where that is allowed. */
  openNetwork(url: { readonly protocol: string; readonly hostname: string }, allowHttp: boolean): void {
    if (!isOpenNetwork(url)) return;
    if (!allowHttp) throw openNetworkError(url.hostname);
    this.#warn(`http://${url.hostname} is not encrypted: whoever listens sees names and sizes`);
  }

  #warn(message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.#logger.warn(message);
  }
}
