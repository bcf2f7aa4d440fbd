import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../temporary-folder.ts';
import { freePort } from '../servers/free-port.ts';
import type { S3Server } from './s3-server.ts';
import { answersHttp, ServerProcess } from '../servers/server-process.ts';

const startTimeoutMs = 30_000;

const mainKeys = { accessKeyId: 'versityTestKey', secretAccessKey: 'versityTestSecret' };

/** Someone besides the server's owner. */
export interface VersitygwAccount {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** An `admin` may use every bucket, a `user` none but its own. */
  readonly role: 'admin' | 'user';
}

export interface VersitygwOptions {
  /** The owner's. */
  readonly keys?: Pick<S3Server, 'accessKeyId' | 'secretAccessKey'>;
  readonly accounts?: readonly VersitygwAccount[];
}

/** Starts versitygw on a new folder. It keeps an object's headers in a folder beside, so no xattrs are needed. */
export async function startVersitygw(
  binary: string,
  { keys = mainKeys, accounts = [] }: VersitygwOptions = {},
): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'tranship-versitygw-'));
  const [objects, headers] = [join(folder, 'objects'), join(folder, 'headers')];
  mkdirSync(objects);
  mkdirSync(headers);
  const iam = join(folder, 'iam');
  mkdirSync(iam);
  writeFileSync(join(iam, 'users.json'), accountFile(accounts));
  const address = `127.0.0.1:${await freePort()}`;
  const account = { ...keys, region: 'us-east-1' };
  // Without --keep-alive it ends the connection after every answer, as no service does.
  const args = [
    '--port',
    address,
    '--region',
    account.region,
    '--keep-alive',
    '--quiet',
    '--health',
    '/health',
    '--iam-dir',
    iam,
    '--iam-cache-disable',
  ];
  const server = ServerProcess.start('versitygw', binary, [...args, 'posix', '--sidecar', headers, objects], {
    ROOT_ACCESS_KEY: account.accessKeyId,
    ROOT_SECRET_KEY: account.secretAccessKey,
  });
  const stop = async () => {
    await server.stop();
    removeTree(folder);
  };
  const endpoint = `http://${address}`;
  try {
    await server.waitUntil((signal) => answersHttp(`${endpoint}/health`, signal), startTimeoutMs);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: server.name, endpoint, ...account, processIds: [server.processId], stop };
}

function accountFile(accounts: readonly VersitygwAccount[]): string {
  const entries = accounts.map(({ accessKeyId: access, secretAccessKey: secret, role }) => [
    access,
    { access, secret, role },
  ]);
  return JSON.stringify({ accessAccounts: Object.fromEntries(entries) });
}
