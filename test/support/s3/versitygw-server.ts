import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../temporary-folder.ts';
import { freePort } from './free-port.ts';
import type { S3Server } from './s3-server.ts';
import { answersHttp, ServerProcess } from './server-process.ts';

const startTimeoutMs = 30_000;

/** Starts versitygw on a new folder. It keeps an object's headers in a folder beside, so no xattrs are needed. */
export async function startVersitygw(binary: string): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'tranship-versitygw-'));
  const [objects, headers] = [join(folder, 'objects'), join(folder, 'headers')];
  mkdirSync(objects);
  mkdirSync(headers);
  // Accounts beside the first one, for tests of policies.
  const accounts = join(folder, 'accounts');
  mkdirSync(accounts);
  const address = `127.0.0.1:${await freePort()}`;
  const account = {
    accessKeyId: 'versityTestKey',
    secretAccessKey: 'versityTestSecret',
    region: 'us-east-1',
  };
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
    accounts,
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
