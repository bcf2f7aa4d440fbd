import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerCertificate } from './azurite-server.ts';

/** Stands where Microsoft Entra ID gives out tokens. */
export interface TokenServer {
  /** For AZURE_AUTHORITY_HOST. */
  readonly endpoint: string;
  /** The forms of the requests that were granted. */
  readonly granted: readonly URLSearchParams[];
  stop(): Promise<void>;
}

export interface TokenServerOptions {
  readonly certificate: ServerCertificate;
  readonly lifetimeSeconds: number;
  /** What is wrong with a form, as Entra says it; undefined where a token is given. */
  readonly refusal: (form: URLSearchParams) => string | undefined;
  /** True for a request that it answers itself, or leaves without an answer. Default: none. */
  readonly interferes?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** Azurite looks at the claims of a token, not at its signature. */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const granted: URLSearchParams[] = [];
  const { certificateFile, keyFile } = options.certificate;
  const tls = { cert: readFileSync(certificateFile), key: readFileSync(keyFile) };
  const server = createServer(tls, (request, response) => {
    if (options.interferes?.(request, response) !== true) void answer(request, response, options, granted);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the token server has no address');
  return {
    endpoint: `https://127.0.0.1:${address.port}`,
    granted,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { lifetimeSeconds, refusal }: TokenServerOptions,
  granted: URLSearchParams[],
): Promise<void> {
  const say = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const [, tenant = ''] = (request.url ?? '').split('/');
  const base = `https://${request.headers.host ?? ''}/${tenant}`;
  if (request.method === 'GET') {
    say(200, {
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
    });
    return;
  }
  const pieces: Buffer[] = [];
  for await (const piece of request) if (piece instanceof Buffer) pieces.push(piece);
  const form = new URLSearchParams(Buffer.concat(pieces).toString());
  const refused = refusal(form);
  if (refused !== undefined) {
    say(401, { error: 'invalid_client', error_description: `${refused} Trace ID: 1 Timestamp: now` });
    return;
  }
  granted.push(form);
  const now = Math.floor(Date.now() / 1000);
  say(200, {
    token_type: 'Bearer',
    expires_in: lifetimeSeconds,
    access_token: unsignedToken({
      aud: 'https://storage.azure.com',
      iss: `https://sts.windows.net/${tenant}/`,
      iat: now,
      nbf: now - 5,
      exp: now + lifetimeSeconds,
    }),
  });
}

function unsignedToken(claims: Readonly<Record<string, string | number>>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.${Buffer.from('none').toString('base64url')}`;
}
