import type {
  AccessToken,
  ClientAssertionCredentialOptions,
  GetTokenOptions,
  TokenCredential,
} from '@azure/identity';
import { readFile } from 'node:fs/promises';
import { StoreError, TranshipError, describeError } from '../../base/errors.ts';
import { meaningError, proxyRefused } from '../objects/meaning.ts';
import { isPassingNetworkError } from '../objects/network-error.ts';
import type { ConnectionAgents } from '../objects/connection-agents.ts';
import type { AzureBlobCredentials } from '../objects/settings.ts';

/** The credentials with which Microsoft Entra ID gives out tokens. */
export type IdentityCredentials = Extract<AzureBlobCredentials, { readonly tenantId: string }>;

export interface IdentityPlace {
  readonly authorityHost: string;
  /** Where the credentials stand, for messages. */
  readonly source: string;
}

/** Those whose directory of instances lists them; others are what they are configured to be. */
const KNOWN_HOST =
  /^https:\/\/login\.(microsoftonline\.(com|us)|chinacloudapi\.cn|partner\.microsoftonline\.cn)\/?$/;

/** Gets tokens; what fails is a TranshipError. */
export class TokenSource implements TokenCredential {
  readonly #identity: TokenCredential;
  readonly #place: IdentityPlace;
  readonly #exchange: TokenExchange;
  #pending = 0;

  private constructor(identity: TokenCredential, place: IdentityPlace, exchange: TokenExchange) {
    this.#identity = identity;
    this.#place = place;
    this.#exchange = exchange;
  }

  /** Loads the library for it, half a second of work, first here. */
  static async create(
    credentials: IdentityCredentials,
    place: IdentityPlace,
    agents: ConnectionAgents,
  ): Promise<TokenSource> {
    const exchange = new TokenExchange();
    return new TokenSource(await sdkCredential(credentials, place, { agents, exchange }), place, exchange);
  }

  /** True while a token is waited for. */
  get isPending(): boolean {
    return this.#pending > 0;
  }

  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken | null> {
    this.#pending += 1;
    try {
      return await this.#identity.getToken(scopes, options);
    } catch (error) {
      throw identityError(error, this.#place, this.#exchange.last);
    } finally {
      this.#pending -= 1;
    }
  }
}

/** What became of the last request to the token server. */
type Exchanged =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string }
  | { readonly kind: 'broken'; readonly error: unknown };

/**
 * Sees what the token server said, or what broke on the way to it: the library has one code for much of that. After a
 * server that is busy the library refuses for a minute without asking; what was said last holds then.
 */
class TokenExchange {
  last: Exchanged | undefined;

  readonly policy: NonNullable<ClientAssertionCredentialOptions['additionalPolicies']>[number] = {
    position: 'perRetry',
    policy: {
      name: 'transhipTokenExchange',
      sendRequest: async (request, next) => {
        try {
          const answer = await next(request);
          this.last = { kind: 'answered', status: answer.status, text: answer.bodyAsText ?? '' };
          return answer;
        } catch (error) {
          this.last = { kind: 'broken', error };
          throw error;
        }
      },
    },
  };
}

async function sdkCredential(
  credentials: IdentityCredentials,
  { authorityHost, source }: IdentityPlace,
  { agents, exchange }: { readonly agents: ConnectionAgents; readonly exchange: TokenExchange },
): Promise<TokenCredential> {
  const { ClientAssertionCredential, ClientCertificateCredential, ClientSecretCredential } =
    await import('@azure/identity');
  const options: ClientAssertionCredentialOptions = {
    authorityHost,
    disableInstanceDiscovery: !KNOWN_HOST.test(authorityHost),
    // Every attempt is ours: ours are counted, shown and bounded.
    retryOptions: { maxRetries: 0 },
    additionalPolicies: [exchange.policy],
    // A host that is none is refused by the library.
    ...(URL.canParse(authorityHost) ? { agent: agents.for(new URL(authorityHost)) } : {}),
  };
  const { tenantId, clientId } = credentials;
  try {
    switch (credentials.kind) {
      case 'client-secret':
        return new ClientSecretCredential(tenantId, clientId, credentials.clientSecret, options);
      case 'client-certificate': {
        const certificate = await pemOf(credentials.certificate, source);
        const { certificatePassword } = credentials;
        const secured = certificatePassword === undefined ? {} : { certificatePassword };
        return new ClientCertificateCredential(tenantId, clientId, { certificate, ...secured }, options);
      }
      case 'workload-identity': {
        const { tokenFile } = credentials;
        return new ClientAssertionCredential(
          tenantId,
          clientId,
          // The cluster replaces it from time to time; the library's own credential would keep it for five minutes.
          async () => readText(tokenFile, source),
          options,
        );
      }
    }
  } catch (error) {
    throw identityError(error, { authorityHost, source }, undefined);
  }
}

async function pemOf(
  certificate: { readonly pem: string } | { readonly path: string },
  source: string,
): Promise<string> {
  const text = 'pem' in certificate ? certificate.pem : await readText(certificate.path, source);
  if (/-----BEGIN CERTIFICATE-----/.test(text) && /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
    return text;
  throw new StoreError('unauthenticated', 'no PEM text with a certificate and its private key', {
    where: source,
    advice: 'a PKCS#12 file must be converted: openssl pkcs12 -in FILE -nodes',
  });
}

async function readText(path: string, source: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new StoreError('unauthenticated', `the file that ${source} names cannot be read`, {
      where: path,
      cause: error,
    });
  }
  if (text !== '') return text;
  throw new StoreError('unauthenticated', `the file that ${source} names is empty`, { where: path });
}

function identityError(
  error: unknown,
  { authorityHost, source }: IdentityPlace,
  last: Exchanged | undefined,
): TranshipError {
  const own = ownErrorIn(error);
  if (own !== undefined) return own;
  if (last?.kind === 'answered' && last.status === 407) {
    return meaningError(proxyRefused, authorityHost, { cause: error });
  }
  const retryable = last !== undefined && isTransient(last);
  return new StoreError(
    retryable ? 'unavailable' : 'unauthenticated',
    `no token from ${authorityHost}: ${reasonOf(error, last)}`,
    { where: source, cause: error, retryable },
  );
}

/** Ours comes back wrapped where the library calls us. */
function ownErrorIn(error: unknown): TranshipError | undefined {
  for (let depth = 0, at = error; depth < 4 && at instanceof Error; depth += 1, at = at.cause) {
    if (at instanceof TranshipError) return at;
  }
  return undefined;
}

function isTransient(last: Exchanged): boolean {
  if (last.kind === 'broken') return isPassingNetworkError(last.error);
  return last.status === 408 || last.status === 429 || last.status >= 500;
}

/** What broke; else Entra's own code and sentence, without the times and ids of the request that follow them. */
function reasonOf(error: unknown, last: Exchanged | undefined): string {
  if (last?.kind === 'broken') return describeError(last.error).slice(0, 200);
  const said = last === undefined ? '' : last.text;
  const [code] = /AADSTS\d+:[^\\"]{0,160}/.exec(said) ?? [];
  if (code === undefined && last !== undefined && last.status >= 400) return `it answered ${last.status}`;
  return (code ?? describeError(error)).split(/\s*(?:Trace ID|Timestamp)/)[0]?.slice(0, 200) ?? '';
}
