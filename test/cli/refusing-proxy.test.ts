/** A proxy of the network that wants other credentials than it gets, before each service and what gives out tokens. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { listening } from '../support/listening.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tranship } from '../support/tranship.ts';

const page = '<html><head><title>ERROR: Cache Access Denied</title></head></html>';
const head =
  'HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="proxy"\r\n' +
  `content-type: text/html\r\ncontent-length: ${page.length}\r\nconnection: close\r\n\r\n`;

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const serviceAccount = {
  type: 'service_account',
  client_email: 'a@b.example',
  private_key: privateKey,
  token_uri: 'https://tokens.example/token',
};
const principal = { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client', AZURE_CLIENT_SECRET: 'hunter2' };
const accountKey = Buffer.from('hunter2hunter2').toString('base64');

type Case = readonly [title: string, location: string, env: Readonly<Record<string, string>>, host: string];

const cases: readonly Case[] = [
  [
    'S3',
    's3://bucket/east?endpoint=https://s3.example',
    { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'hunter2' },
    's3.example',
  ],
  ['Google', 'gs://bucket/east', { GOOGLE_ACCESS_TOKEN: 'hunter2' }, 'storage.googleapis.com'],
  ['Google’s tokens', 'gs://bucket/east', {}, 'tokens.example'],
  ['Azure', 'azblob://account/container', { AZURE_ACCOUNT_KEY: accountKey }, 'account.blob.core.windows.net'],
  ['Azure’s tokens', 'azblob://account/container', principal, 'login.microsoftonline.com'],
];

describe('a proxy that refuses its credentials', () => {
  for (const [title, location, env, host] of cases) {
    it(`before ${title} is told in one line, without them`, async (t) => {
      const asked: string[] = [];
      const proxy = createServer();
      proxy.on('connect', ({ url = '' }, socket) => {
        asked.push(url);
        socket.on('error', () => undefined);
        socket.end(head + page);
      });
      const port = await listening(t, proxy);
      const file = join(temporaryFolder(t), 'account.json');
      writeFileSync(file, JSON.stringify(serviceAccount));
      const credentials = host === 'tokens.example' ? ['--credentials-file', file] : [];
      const result = await tranship(['snapshots', '-r', location, ...credentials], {
        env: { ...env, HTTPS_PROXY: `http://me:hunter2@127.0.0.1:${port}` },
      });
      assert.match(result.stderr, /^tranship: the proxy wants other credentials: [^\n]*HTTPS_PROXY[^\n]*\n$/);
      assert.ok(!result.stderr.includes('hunter2'), 'a password was printed');
      assert.equal(result.code, 1);
      assert.deepEqual(new Set(asked), new Set([`${host}:443`]));
    });
  }
});
