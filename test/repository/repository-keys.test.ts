import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { CancelledError, RepositoryError, UsageError, describeError } from '../../src/base/errors.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { acquireLock } from '../../src/repository/locks.ts';
import { addKey, changePassword, listKeys, removeKey } from '../../src/repository/repository-keys.ts';
import type { NewKeyOptions } from '../../src/repository/repository-keys.ts';
import { Repository } from '../../src/repository/repository.ts';
import { crashStates } from '../support/crash-states.ts';
import { failEverywhere, withFaults } from '../support/providers/fault.ts';
import type { FaultAction } from '../support/providers/fault.ts';
import { Trace, withTrace } from '../support/providers/trace.ts';
import { hastyClock } from '../support/quick-repository.ts';
import { createRandom } from '../support/seed.ts';
import { weakScrypt } from '../support/weak-key.ts';

let initial: ReadonlyMap<string, Uint8Array>;

before(async () => {
  const driver = new MemoryDriver();
  const store = new ObjectStore(driver);
  await Repository.init(store, { password: 'old', scryptCost: weakScrypt, clock: hastyClock });
  initial = driver.contents();
});

function copyOfStore(): MemoryDriver {
  return new MemoryDriver({ objects: initial });
}

function open(driver: ObjectDriver, password: string): Promise<Repository> {
  return Repository.open(new ObjectStore(driver), { password, clock: hastyClock });
}

async function opens(driver: ObjectDriver, password: string): Promise<boolean> {
  try {
    await open(driver, password);
    return true;
  } catch (error) {
    if (error instanceof RepositoryError && error.code === 'wrong-password') return false;
    throw error;
  }
}

function newKey(password: string, more: Partial<NewKeyOptions> = {}): NewKeyOptions {
  return { password, scryptCost: weakScrypt, ...more };
}

describe('addKey', () => {
  it('lets another password open the repository, and says who made it', async () => {
    const driver = copyOfStore();
    const repository = await open(driver, 'old');
    const id = await addKey(repository, newKey('second', { username: 'audit', hostname: 'desk' }));
    assert.equal((await open(driver, 'second')).keyId, id);
    assert.ok(await opens(driver, 'old'));
    const { keys, damaged } = await listKeys(repository);
    assert.deepEqual(damaged, []);
    assert.deepEqual(
      keys.map(({ isCurrent }) => isCurrent),
      [true, false],
    );
    assert.deepEqual([keys[1]?.id, keys[1]?.username, keys[1]?.hostname], [id, 'audit', 'desk']);
  });

  it('refuses an empty password, and more keys than a program tries', async () => {
    const driver = copyOfStore();
    const repository = await open(driver, 'old');
    await assert.rejects(addKey(repository, newKey('')), UsageError);
    for (let count = 2; count <= 20; count++) await addKey(repository, newKey(`password ${count}`));
    await assert.rejects(addKey(repository, newKey('one more')), { code: 'conflict' });
    await changePassword(repository, newKey('other'));
    for (const password of ['other', 'password 20']) assert.ok(await opens(driver, password));
    assert.equal((await repository.listIds('keys')).length, 20);
  });

  it('leaves no key behind that was said to have failed', async () => {
    const actions: FaultAction[] = [
      { kind: 'fail-before' },
      { kind: 'fail-after' },
      { kind: 'drop' },
      { kind: 'truncate', sizeBytes: 10 },
    ];
    for (const action of actions) {
      await failEverywhere(action, async (plan, nth) => {
        const driver = copyOfStore();
        let added = false;
        try {
          await addKey(await open(withFaults(driver, plan), 'old'), newKey('second'));
          added = true;
        } catch {
          // What was thrown says why; here counts what is left.
        }
        assert.ok(await opens(driver, 'old'), `${action.kind} ${nth}`);
        assert.equal(await opens(driver, 'second'), added, `${action.kind} of request ${nth}`);
      });
    }
  });

  it('holds a shared lock', async () => {
    const repository = await open(copyOfStore(), 'old');
    const shared = await acquireLock(repository);
    await addKey(repository, newKey('second'));
    await assert.rejects(changePassword(repository, newKey('third')), { code: 'locked' });
    await assert.rejects(removeKey(repository, repository.keyId), { code: 'locked' });
    await shared.release();
    const exclusive = await acquireLock(repository, { exclusive: true });
    await assert.rejects(addKey(repository, newKey('third')), { code: 'locked' });
    await exclusive.release();
  });
});

describe('removeKey', () => {
  it('removes another key, by the beginning of its id', async () => {
    const driver = copyOfStore();
    const repository = await open(driver, 'old');
    const id = await addKey(repository, newKey('second'));
    assert.equal(await removeKey(repository, id.slice(0, 12)), id);
    assert.equal(await opens(driver, 'second'), false);
    assert.deepEqual(await repository.listIds('locks'), []);
  });

  it('refuses the key in use, the last one, and what is none', async () => {
    const driver = copyOfStore();
    const repository = await open(driver, 'old');
    await assert.rejects(removeKey(repository, repository.keyId), {
      code: 'invalid-argument',
      message: /the key in use cannot be removed.*key passwd/,
    });
    await assert.rejects(removeKey(repository, 'zz'), UsageError);
    await assert.rejects(removeKey(repository, '0'.repeat(64)), { code: 'not-found' });
    const second = await addKey(repository, newKey('second'));
    await removeKey(await open(driver, 'second'), repository.keyId);
    await assert.rejects(removeKey(repository, second), { code: 'conflict', message: /last one must stay/ });
    assert.ok(await opens(driver, 'second'));
  });

  it('removes a damaged key, which the list names', async () => {
    const driver = copyOfStore();
    const repository = await open(driver, 'old');
    const id = 'ab'.repeat(32);
    await repository.store.put(`keys/${id}`, Buffer.from('{}'));
    const { keys, damaged } = await listKeys(repository);
    assert.deepEqual([keys.length, damaged.map((key) => key.id)], [1, [id]]);
    await removeKey(repository, id);
    assert.deepEqual((await listKeys(repository)).damaged, []);
  });
});

describe('changePassword', () => {
  it('replaces the key that was used, and no other', async () => {
    const driver = copyOfStore();
    const repository = await open(driver, 'old');
    await addKey(repository, newKey('second'));
    const { addedKeyId, removedKeyId } = await changePassword(repository, newKey('new'));
    assert.deepEqual(await Promise.all(['old', 'second', 'new'].map((password) => opens(driver, password))), [
      false,
      true,
      true,
    ]);
    assert.equal(removedKeyId, repository.keyId);
    assert.equal((await open(driver, 'new')).keyId, addedKeyId);
    await assert.rejects(changePassword(repository, newKey('')), UsageError);
  });

  it('a password opens the repository after any fault of the store', async () => {
    const actions: FaultAction[] = [
      { kind: 'fail-before' },
      { kind: 'fail-after' },
      { kind: 'drop' },
      { kind: 'truncate', sizeBytes: 100 },
      { kind: 'flip', offset: 60 },
      { kind: 'omit', omits: () => true },
    ];
    for (const action of actions) {
      await failEverywhere(action, async (plan, nth) => {
        const driver = copyOfStore();
        const label = `${action.kind} of request ${nth}`;
        let failure: string | undefined;
        try {
          const repository = await open(withFaults(driver, plan), 'old');
          await changePassword(repository, newKey('new'));
        } catch (error) {
          failure = describeError(error);
        }
        const [old, fresh] = [await opens(driver, 'old'), await opens(driver, 'new')];
        if (failure === undefined) assert.ok(fresh, label);
        else if (/the new password is set/.test(failure)) assert.ok(fresh, label);
        else assert.deepEqual([old, fresh], [true, false], `${label}: ${failure}`);
      });
    }
  });

  it('a password opens the repository after a kill at any moment', async () => {
    const trace = new Trace();
    const repository = await open(withTrace(copyOfStore(), trace), 'old');
    await changePassword(repository, newKey('new'));
    const states = [...crashStates(trace.entries, initial, createRandom(1))];
    assert.ok(states.length >= 5);
    const seen = new Set<string>();
    for (const { objects, label } of states) {
      const driver = new MemoryDriver({ objects });
      const [old, fresh] = [await opens(driver, 'old'), await opens(driver, 'new')];
      assert.ok(old || fresh, label);
      seen.add(`${old} ${fresh}`);
    }
    assert.deepEqual([...seen], ['true false', 'true true', 'false true']);
  });

  it('that is cancelled changes nothing', async () => {
    const driver = copyOfStore();
    const repository = await open(driver, 'old');
    await assert.rejects(
      changePassword(repository, newKey('new', { signal: AbortSignal.abort() })),
      CancelledError,
    );
    assert.deepEqual([...driver.contents().keys()], [...initial.keys()]);
  });
});
