import { createVerify, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RefusalRule } from '../servers/refusing-proxy.ts';

const storageScope = 'https://www.googleapis.com/auth/devstorage.read_write';
/** Google's: how far the times of an assertion may be off. */
const skewSeconds = 300;

/** What a service account's file holds; its key protects nothing. */
export interface ServiceAccountFile {
  readonly type: 'service_account';
  readonly client_email: string;
  readonly private_key: string;
  readonly private_key_id: string;
  readonly token_uri: string;
}

/**
 * A token endpoint that takes the two requests of RFC 7523 (a service account's assertion) and RFC 8693 (the exchange
 * of another provider's token), and checks them as Google describes it. Its tokens live for a set time.
 */
export class TokenServer {
  readonly url: string;
  readonly subjectToken = 'a-token-of-another-provider';
  readonly audience =
    '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/one';
  /** Answers instead of tokens, where it is set. */
  answerWith: ((response: ServerResponse) => void) | undefined;
  issued = 0;
  /** How far this server's clock is ahead of this machine's. */
  clockOffsetMs = 0;
  readonly #keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  readonly #lifeMs: number;
  readonly #scope: string;
  readonly #endsMs = new Map<string, number>();
  readonly #stop: () => void;

  private constructor(url: string, lifeMs: number, scope: string, stop: () => void) {
    this.url = url;
    this.#lifeMs = lifeMs;
    this.#scope = scope;
    this.#stop = stop;
  }

  /** Its tokens are for these scopes, and must be asked for with them. */
  static async start(lifeMs: number, scopes: readonly string[] = [storageScope]): Promise<TokenServer> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the token server has no address');
    const tokens = new TokenServer(`http://127.0.0.1:${address.port}/token`, lifeMs, scopes.join(' '), () => {
      server.closeAllConnections();
      server.close();
    });
    server.on('request', (request, response) => void tokens.#answer(request, response));
    return tokens;
  }

  get serviceAccount(): ServiceAccountFile {
    return {
      type: 'service_account',
      client_email: 'mover@test.iam.gserviceaccount.com',
      private_key: this.#keys.privateKey,
      private_key_id: 'key-1',
      token_uri: this.url,
    };
  }

  /** What workload identity federation gives to a pod; the other provider's token stands in `tokenFile`, as JSON. */
  externalAccount(tokenFile: string) {
    return {
      type: 'external_account',
      audience: this.audience,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: this.url,
      credential_source: {
        file: tokenFile,
        format: { type: 'json', subject_token_field_name: 'access_token' },
      },
    };
  }

  /** For a proxy before a server that knows no authorization: what Google does without a token that is valid now. */
  readonly guard: RefusalRule = ({ headers }) => {
    const token = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    return (this.#endsMs.get(token) ?? 0) > Date.now() ? undefined : [401, 'Unauthorized'];
  };

  stop(): void {
    this.#stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += String(piece);
    if (this.answerWith !== undefined) {
      this.answerWith(response);
      return;
    }
    const fault = this.#faultOf(request, new URLSearchParams(text));
    const answer = fault === undefined ? this.#newToken() : { error: fault[0], error_description: fault[1] };
    response.writeHead(fault === undefined ? 200 : 400, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  }

  #newToken() {
    this.issued += 1;
    const token = `ya29.${this.issued}`;
    this.#endsMs.set(token, Date.now() + this.#lifeMs);
    return {
      access_token: token,
      expires_in: this.#lifeMs / 1000,
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    };
  }

  #faultOf(
    { method, headers }: IncomingMessage,
    form: URLSearchParams,
  ): readonly [string, string] | undefined {
    if (method !== 'POST') return ['invalid_request', 'not a POST'];
    if (headers['content-type']?.startsWith('application/x-www-form-urlencoded') !== true) {
      return ['invalid_request', 'not a form'];
    }
    switch (form.get('grant_type')) {
      case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
        return this.#faultOfAssertion(form.get('assertion') ?? '');
      case 'urn:ietf:params:oauth:grant-type:token-exchange':
        return this.#faultOfExchange(form);
      default:
        return ['unsupported_grant_type', 'unknown grant type'];
    }
  }

  #faultOfAssertion(assertion: string): readonly [string, string] | undefined {
    const [head = '', claims = '', signature = ''] = assertion.split('.');
    const verify = createVerify('RSA-SHA256').update(`${head}.${claims}`);
    if (!verify.verify(this.#keys.publicKey, signature, 'base64url')) {
      return ['invalid_grant', 'Invalid JWT Signature.'];
    }
    const said: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString());
    const { iss, aud, iat, exp, ...rest } = Object.fromEntries(Object.entries(said ?? {}));
    if (iss !== this.serviceAccount.client_email) {
      return ['invalid_grant', 'Invalid grant: account not found'];
    }
    if (aud !== this.url || rest['scope'] === undefined || String(rest['scope']) !== this.#scope) {
      return ['invalid_scope', 'Invalid OAuth scope or ID token audience provided.'];
    }
    const now = (Date.now() + this.clockOffsetMs) / 1000;
    if (Math.abs(Number(iat) - now) < skewSeconds && Number(exp) > now && Number(exp) - Number(iat) <= 3600) {
      return undefined;
    }
    return [
      'invalid_grant',
      'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. ' +
        'Check your iat and exp values in the JWT claim.',
    ];
  }

  #faultOfExchange(form: URLSearchParams): readonly [string, string] | undefined {
    if (form.get('audience') !== this.audience) return ['invalid_target', 'The target service is not known.'];
    if (
      form.get('subject_token_type') !== 'urn:ietf:params:oauth:token-type:jwt' ||
      form.get('scope') !== this.#scope
    ) {
      return ['invalid_request', 'Invalid token type or scope.'];
    }
    if (form.get('subject_token') === this.subjectToken) return undefined;
    return ['invalid_grant', 'The subject token is not valid.'];
  }
}
