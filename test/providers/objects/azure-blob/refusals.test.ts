/** What is said of credentials and endpoints that are refused, and what a driver does at its beginning and its end. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CancelledError, UsageError } from '../../../../src/base/errors.ts';
import { AzureBlobDriver } from '../../../../src/providers/objects/azure-blob/driver.ts';
import type { AzureBlobSettings } from '../../../../src/providers/objects/settings.ts';
import { ObjectStore } from '../../../../src/providers/objects/store.ts';
import {
  at,
  credentials,
  driverThatIsAnswered,
  errorOf,
  failing,
  listAll,
  nowhere,
  ours,
  storeThatAnswers,
} from '../../../support/azure-blob/answering-server.ts';
import type { Answer } from '../../../support/azure-blob/answering-server.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const hourMs = 3_600_000;

describe('credentials that the server refuses', () => {
  const when = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const refusals: readonly (readonly [string, AzureBlobSettings, Answer, RegExp])[] = [
    [
      'a clock that is off by more than 15 minutes',
      {},
      failing(403, 'AuthenticationFailed', { date: new Date(Date.now() - hourMs).toUTCString() }),
      /clock differs too much.*set the clock/,
    ],
    [
      'a wrong account key',
      {},
      failing(403, 'AuthenticationFailed'),
      /account key is not one of the account’s: azblob:\/\/account.*check credentials in the settings/,
    ],
    [
      'a signature that has expired',
      { credentials: { kind: 'sas', sas: `?se=${when(-hourMs)}&sig=hunter2` } },
      failing(403, 'AuthenticationFailed'),
      /signature has expired at 20.*renew credentials in the settings/,
    ],
    [
      'a signature that is not valid yet',
      { credentials: { kind: 'sas', sas: `st=${when(hourMs)}&se=${when(2 * hourMs)}&sig=hunter2` } },
      failing(403, 'AuthenticationFailed'),
      /signature begins at 20/,
    ],
    [
      'a signature of another key',
      { credentials: { kind: 'sas', sas: `se=${when(hourMs)}&sig=hunter2` } },
      failing(403, 'AuthenticationFailed'),
      /signature is not valid/,
    ],
    [
      'a signature that allows too little',
      { credentials: { kind: 'sas', sas: `sp=r&se=${when(hourMs)}&sig=hunter2` } },
      failing(403, 'AuthorizationPermissionMismatch'),
      /do not allow this request.*sp=racwdl/,
    ],
    [
      'a machine that the account’s network rules shut out',
      {},
      failing(403, 'AuthorizationFailure'),
      /network rules/,
    ],
  ];
  for (const [name, settings, answer, message] of refusals) {
    it(`${name} is told, without the secret`, async (t) => {
      const store = await storeThatAnswers(t, answer, settings);
      for (const work of [() => store.get('key'), () => store.head('key'), () => listAll(store)]) {
        assert.match((await errorOf(work())).message, message);
      }
    });
  }

  it('are read again from their file when what it had is no longer accepted', async (t) => {
    const credentialsFile = join(temporaryFolder(t), 'credentials-velero');
    const write = (sas: string): void => writeFileSync(credentialsFile, `AZURE_ACCOUNT_SAS="${sas}"\n`);
    let accepts = 'sig=old';
    write(accepts);
    const store = await storeThatAnswers(
      t,
      (request, response) => {
        if (request.url?.endsWith(accepts) !== true)
          return failing(403, 'AuthenticationFailed')(request, response);
        response.writeHead(200, { 'content-length': '4', ...ours }).end('well');
      },
      { credentials: undefined, credentialsFile },
    );
    await store.get('key');
    accepts = 'sig=new';
    write(accepts);
    const together = await Promise.all([1, 2, 3, 4].map(() => errorOf(store.get('key'))));
    assert.ok(
      together.every(({ retryable }) => retryable),
      'a request beside the first one was given up',
    );
    assert.equal((await store.get('key')).toString(), 'well');
    accepts = 'sig=none';
    assert.equal((await errorOf(store.get('key'))).retryable, true);
    assert.equal((await errorOf(store.get('key'))).retryable, false);
  });
});

describe('an endpoint', () => {
  it('that nothing listens on is unavailable, to be tried again', async (t) => {
    const store = new ObjectStore(new AzureBlobDriver(nowhere, { credentials }));
    t.after(() => store.close());
    const error = await errorOf(store.get('key'));
    assert.deepEqual([error.code, error.retryable], ['unavailable', true]);
    assert.match(error.message, /nothing listens/);
  });

  it('whose host nobody knows is a wrong account, at once', async (t) => {
    const store = new ObjectStore(new AzureBlobDriver(at('https://nobody.blob.invalid'), { credentials }));
    t.after(() => store.close());
    const error = await errorOf(store.get('key'));
    // Where the machine has no name service at all, that is what it says, and may pass.
    const known =
      error.message.includes('cannot be looked up now') || /no storage account has/.test(error.message);
    assert.ok(known, error.message);
  });

  it('that speaks plain HTTP off this machine is refused before a byte is sent', async (t) => {
    const store = new ObjectStore(
      new AzureBlobDriver(at('http://blobs.invalid:10000/account'), { credentials }),
    );
    t.after(() => store.close());
    await assert.rejects(
      store.get('key'),
      (error) => error instanceof UsageError && /--allow-http/.test(error.message),
    );
  });
});

describe('a driver', () => {
  it('refuses an idle timeout that no timer can keep', () => {
    for (const idleTimeoutMs of [0, -1, Number.NaN, 30 * 86_400_000]) {
      assert.throws(() => new AzureBlobDriver(nowhere, { credentials, idleTimeoutMs }), UsageError);
    }
  });

  it('sends nothing when its signal has fired, nor when it was closed', async () => {
    const signal = AbortSignal.abort();
    const driver = new AzureBlobDriver(nowhere, { credentials });
    await assert.rejects(driver.put('key', Buffer.from('x'), { signal }), CancelledError);
    await driver.close();
    await assert.rejects(driver.head('key', {}), /was closed/);
  });

  it('lets the process end while connections are kept', async (t) => {
    const driver = await driverThatIsAnswered(t, (_request, response) => {
      response.writeHead(200, { 'content-length': '1', ...ours }).end();
    });
    await driver.head('key', {});
    await driver.close();
    await driver.close();
  });
});
