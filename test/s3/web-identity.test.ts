/** A pod's identity: credentials that live for seconds, and a token file that the platform writes anew. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { listening } from '../support/listening.ts';
import { peerSuite } from '../support/peers.ts';
import { startRefusingProxy } from '../support/servers/refusing-proxy.ts';
import type { Refusal } from '../support/servers/refusing-proxy.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import type { VersitygwAccount } from '../support/s3/versitygw-server.ts';
import { scaled } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { shell, tranship } from '../support/tranship.ts';

const lifeMs = 5000;
const role = 'arn:aws:iam::123456789012:role/mover';

/** Accounts that are handed out one after the other, since the server knows no sessions. */
const accounts = Array.from({ length: 1000 }, (_, index): VersitygwAccount => ({
  accessKeyId: `SESSION${index}`,
  secretAccessKey: `secret-of-session-${index}`,
  role: 'admin',
}));

/** Gives sessions for the token that the platform wrote last, and knows which of them have ended. */
class TokenService {
  readonly #endsAt = new Map<string, number>();
  /** As long as the platform's: one that was read just before its successor was written still holds. */
  validTokens: readonly string[] = [];
  refused = 0;

  get sessions(): number {
    return this.#endsAt.size;
  }

  async listen(t: TestContext): Promise<string> {
    const server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      request.on('end', () => {
        const form = new URLSearchParams(text);
        const isValid =
          this.validTokens.includes(form.get('WebIdentityToken') ?? '') && form.get('RoleArn') === role;
        response.writeHead(isValid ? 200 : 400, { 'content-type': 'text/xml' });
        response.end(isValid ? this.#session() : this.#refusal());
      });
    });
    return `http://127.0.0.1:${await listening(t, server)}`;
  }

  /** What a store says to a request with this session. */
  judge(authorization: string): Refusal | undefined {
    const endsAt = this.#endsAt.get(/Credential=([^/]+)\//.exec(authorization)?.[1] ?? '');
    if (endsAt === undefined) return [403, 'AccessDenied'];
    return Date.now() < endsAt ? undefined : [400, 'ExpiredToken'];
  }

  #session(): string {
    const account = accounts[this.sessions];
    assert.ok(account !== undefined, 'no session is left');
    const { accessKeyId, secretAccessKey } = account;
    const endsAt = Date.now() + lifeMs;
    this.#endsAt.set(accessKeyId, endsAt);
    return (
      '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
      `<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${accessKeyId}</AccessKeyId>` +
      `<SecretAccessKey>${secretAccessKey}</SecretAccessKey>` +
      `<Expiration>${new Date(endsAt).toISOString()}</Expiration></Credentials>` +
      '</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>'
    );
  }

  #refusal(): string {
    this.refused += 1;
    return (
      '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>' +
      '<Code>InvalidIdentityToken</Code><Message>not the token</Message></Error></ErrorResponse>'
    );
  }
}

peerSuite(['versitygw'], 'a pass with a web identity', ({ versitygw }) => {
  it('outlives its credentials many times, and the token file it began with', async (t) => {
    const server = await startVersitygw(versitygw, { accounts });
    t.after(() => server.stop());
    const bucket = await newBucket(server);
    const service = new TokenService();
    const proxy = await startRefusingProxy(server.endpoint, ({ headers: { authorization = '' } }) =>
      service.judge(authorization),
    );
    t.after(() => proxy.stop());
    const folder = temporaryFolder(t);
    const tokenFile = join(folder, 'token');
    let tokens = 0;
    const writeToken = (): void => {
      const token = `token-${(tokens += 1)}`;
      service.validTokens = [token, ...service.validTokens.slice(0, 1)];
      writeFileSync(`${tokenFile}.new`, token);
      renameSync(`${tokenFile}.new`, tokenFile);
    };
    writeToken();
    const rotation = setInterval(writeToken, 3000);
    t.after(() => clearInterval(rotation));
    const env = {
      AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
      AWS_ROLE_ARN: role,
      AWS_ENDPOINT_URL_STS: await service.listen(t),
      AWS_REGION: 'us-east-1',
      HOME: folder,
      TRANSHIP_REPOSITORY: bucket.location('', proxy.endpoint),
    };
    const made = await tranship(['init'], { env });
    assert.equal(made.code, 0, made.stderr);
    // Seconds without a byte to store, and packs all along.
    const seconds = scaled(14, 45);
    const slow = `for i in $(seq ${seconds}); do head -c 3000000 /dev/urandom; sleep 1; done`;
    const staged = await shell(`(${slow}) | tranship stage --stdin --stdin-filename stream --pack-size 4`, {
      env,
    });
    assert.equal(staged.code, 0, staged.stderr);
    const checked = await tranship(['check', '--read-data'], { env });
    assert.equal(checked.code, 0, checked.stderr);
    assert.ok(service.sessions > 3, `${service.sessions} sessions`);
    assert.ok(tokens > 3);
    assert.equal(service.refused, 0);
  });

  it('whose token file is missing says which', async (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'home'));
    const env = {
      AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'none'),
      AWS_ROLE_ARN: role,
      HOME: join(folder, 'home'),
    };
    const { code, stderr } = await tranship(['snapshots', '-r', 's3://bucket?endpoint=http://127.0.0.1:1'], {
      env,
    });
    assert.equal(code, 1);
    assert.match(stderr, /^tranship: the credentials cannot be had: [^\n]*\/none[^\n]*\n$/);
  });
});
