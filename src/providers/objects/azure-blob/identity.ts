import type { ClientAssertionCredentialOptions, GetTokenOptions, TokenCredential } from '@azure/identity';
import { readFile } from 'node:fs/promises';
import { StoreError, TranshipError, describeError } from '../../../base/errors.ts';
import { isPassingNetworkError } from '../network-error.ts';
import type { ConnectionAgents } from '../connection-agents.ts';
import type { AzureBlobCredentials } from '../settings.ts';

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

/** Gets tokens; what fails is a TranshipError. Loads the library for it, half a second of work, first here. */
export async function tokenCredential(
  credentials: IdentityCredentials,
  place: IdentityPlace,
  agents: ConnectionAgents,
): Promise<TokenCredential> {
  const identity = await sdkCredential(credentials, place, agents);
  return {
    getToken: async (scopes: string | string[], options?: GetTokenOptions) => {
      try {
        return await identity.getToken(scopes, options);
      } catch (error) {
        throw identityError(error, place);
      }
    },
  };
}

async function sdkCredential(
  credentials: IdentityCredentials,
  { authorityHost, source }: IdentityPlace,
  agents: ConnectionAgents,
): Promise<TokenCredential> {
  const { ClientAssertionCredential, ClientCertificateCredential, ClientSecretCredential } =
    await import('@azure/identity');
  const options: ClientAssertionCredentialOptions = {
    authorityHost,
    disableInstanceDiscovery: !KNOWN_HOST.test(authorityHost),
    // Every attempt is ours: ours are counted, shown and bounded.
    retryOptions: { maxRetries: 0 },
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
    throw identityError(error, { authorityHost, source });
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

function identityError(error: unknown, { authorityHost, source }: IdentityPlace): TranshipError {
  const own = ownErrorIn(error);
  if (own !== undefined) return own;
  const retryable = isTransient(error);
  return new StoreError(
    retryable ? 'unavailable' : 'unauthenticated',
    `no token from ${authorityHost}: ${reasonOf(error)}`,
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

function isTransient(error: unknown): boolean {
  if (isPassingNetworkError(error)) return true;
  const status =
    error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
      ? error.statusCode
      : 0;
  return (
    status === 429 || status >= 500 || /ECONNRE|EAI_AGAIN|ETIMEDOUT|network_error/.test(describeError(error))
  );
}

/** Entra's own code and sentence; what follows them are times and ids of the request. */
function reasonOf(error: unknown): string {
  const text = describeError(error);
  const [code] = /AADSTS\d+:[^\\]{0,160}/.exec(text) ?? [];
  return (code ?? text).split(/\s*(?:Trace ID|Timestamp)/)[0]?.slice(0, 200) ?? '';
}
