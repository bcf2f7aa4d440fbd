import { DiskError } from '../../../base/errors.ts';
import type { AbortableOptions } from '../../objects/driver.ts';
import type { ServiceRegion } from './service-region.ts';

/** Whose credentials these are; asked once. */
export class CallerIdentity {
  readonly #region: ServiceRegion;
  #account: string | undefined;

  constructor(region: ServiceRegion) {
    this.#region = region;
  }

  async account({ signal }: AbortableOptions): Promise<string> {
    this.#account ??= await this.#ask(signal);
    return this.#account;
  }

  async #ask(signal: AbortSignal | undefined): Promise<string> {
    const { GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
    const action = 'sts:GetCallerIdentity';
    const where = `STS in ${this.#region.name}`;
    const { Account } = await this.#region.sts.send(
      (client, options) => client.send(new GetCallerIdentityCommand({}), options),
      { action, where, signal },
    );
    if (Account !== undefined) return Account;
    throw new DiskError('unavailable', 'AWS does not say whose credentials these are', {
      where,
      action,
      retryable: true,
    });
  }
}
