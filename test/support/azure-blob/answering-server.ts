/** A server that gives just the answers it is told to, and a driver before it. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server as TcpServer } from 'node:net';
import type { TestContext } from 'node:test';
import { StoreError } from '../../../src/base/errors.ts';
import { AzureBlobDriver } from '../../../src/providers/objects/azure-blob/driver.ts';
import type { AzureBlobLocation } from '../../../src/providers/objects/azure-blob/location.ts';
import type { AzureBlobSettings } from '../../../src/providers/objects/settings.ts';
import { ObjectStore } from '../../../src/providers/objects/store.ts';

const accountKey = Buffer.from('hunter2hunter2').toString('base64');
export const credentials = { kind: 'account-key', accountKey } as const;
export function at(endpoint: string | undefined): AzureBlobLocation {
  return { kind: 'azure-blob', account: 'account', container: 'container', prefix: '', endpoint };
}

/** Where nothing listens. */
export const nowhere = at('http://127.0.0.1:1/account');

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export async function driverOn(
  t: TestContext,
  server: TcpServer,
  settings: AzureBlobSettings = {},
): Promise<AzureBlobDriver> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const driver = new AzureBlobDriver(at(`http://127.0.0.1:${address.port}/account`), {
    credentials,
    ...settings,
  });
  t.after(async () => {
    await driver.close();
    server.close();
  });
  return driver;
}

export async function driverThatIsAnswered(
  t: TestContext,
  answer: Answer,
  settings?: AzureBlobSettings,
): Promise<AzureBlobDriver> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('error', () => undefined);
    request.on('end', () => answer(request, response));
  });
  t.after(() => server.closeAllConnections());
  return driverOn(t, server, settings);
}

export async function storeThatAnswers(
  t: TestContext,
  answer: Answer,
  settings?: AzureBlobSettings,
): Promise<ObjectStore> {
  return new ObjectStore(await driverThatIsAnswered(t, answer, settings));
}

export const ours = { 'x-ms-request-id': '1', etag: '"1"' };

export function failing(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return (request, response) => {
    const named = code === '' ? {} : { 'x-ms-error-code': code };
    response.writeHead(status, { 'content-type': 'application/xml', ...ours, ...named, ...headers });
    const body =
      code === '' ? '' : `<Error><Code>${code}</Code><Message>no secret here\nId:1</Message></Error>`;
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}

export async function errorOf(work: Promise<unknown>): Promise<StoreError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof StoreError, String(error));
    assert.ok(!error.message.includes('\n') && !/hunter2|sig=/.test(error.message), error.message);
    assert.ok(!error.message.includes(accountKey));
    return error;
  }
  return assert.fail('nothing was thrown');
}

export async function listAll(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}
