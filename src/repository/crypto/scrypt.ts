import { scrypt as nodeScrypt } from 'node:crypto';

import { RepositoryError } from '../../base/errors.ts';
import type { ScryptCost } from './scrypt-cost.ts';

/** Room for what OpenSSL may count beside the working memory itself. */
const slackBytes = 1024 * 1024;

/**
 * scrypt of the password's UTF-8 bytes to 64 bytes, on libuv's thread pool; it cannot be interrupted. Takes 128*N*r
 * bytes of memory: parameters out of a key file must have been bounded before. Throws RepositoryError `unsupported`
 * when OpenSSL refuses them.
 */
export function scrypt(password: string, salt: Uint8Array, cost: ScryptCost): Promise<Buffer> {
  const { N, r, p } = cost;
  // OpenSSL counts the p blocks and two of scratch too; Node's default of 32 MiB refuses restic's own parameters.
  const maxmem = 128 * r * (N + p + 2) + slackBytes;
  return new Promise((resolve, reject) => {
    const refuse = (cause: unknown): void => {
      reject(new RepositoryError('unsupported', `scrypt failed with N=${N}, r=${r}, p=${p}`, { cause }));
    };
    try {
      nodeScrypt(Buffer.from(password, 'utf8'), salt, 64, { N, r, p, maxmem }, (error, key) => {
        if (error === null) resolve(key);
        else refuse(error);
      });
    } catch (error) {
      refuse(error);
    }
  });
}
