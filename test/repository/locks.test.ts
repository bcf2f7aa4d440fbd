import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import { RepositoryError, StoreError } from '../../src/base/errors.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { intercept } from '../../src/providers/objects/intercept.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { isProvenDead, ownHolder } from '../../src/repository/lock-identity.ts';
import { acquireLock, listLocks, unlock } from '../../src/repository/locks.ts';
import { Repository } from '../../src/repository/repository.ts';
import { faultRules, withFaults } from '../support/providers/fault.ts';
import type { FaultPlan } from '../support/providers/fault.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import {
  endedPid,
  lockIds,
  password,
  provableHostName,
  putLock,
  repositoryInMemory,
} from './lock-fixtures.ts';

const minuteMs = 60_000;

function isLocked(pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RepositoryError, String(error));
    assert.equal(error.code, 'locked');
    assert.match(error.message, pattern);
    return true;
  };
}

/** Every put comes through only after a while. */
function delayedPuts(driver: ObjectDriver, delay: () => Promise<void> | undefined): ObjectDriver {
  return intercept(driver, {
    run: async (operation, work) => {
      if (operation.kind === 'put') await delay();
      return work();
    },
    stream: (_, open) => open(),
  });
}

/** A repository whose store fails by a plan that is chosen later. */
async function repositoryWithFaults() {
  const plan: { current?: FaultPlan } = {};
  const setting = await repositoryInMemory((driver) =>
    withFaults(driver, { fired: 0, choose: (operation) => plan.current?.choose(operation) }),
  );
  return { ...setting, plan };
}

describe('acquireLock', () => {
  it('writes one lock with the holder, and release deletes it', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    const lock = await clock.advanceUntil(acquireLock(repository, { exclusive: true }));
    const [stored, ...others] = await listLocks(repository);
    assert.equal(others.length, 0);
    assert.equal(stored?.id, lock.id);
    assert.equal(stored?.lock.exclusive, true);
    assert.equal(stored?.lock.pid, process.pid);
    assert.ok(stored?.lock.hostname.startsWith(`${hostname()}/`));
    await lock.release();
    await lock.release();
    assert.deepEqual(await lockIds(folder), []);
    assert.equal(lock.lost.aborted, false);
  });

  it('prepares while it settles where its lock was quick to stand in the store, else when it is held', async () => {
    for (const putMs of [0, 50, 150]) {
      const setting: { clock?: ManualClock } = {};
      const { clock, repository, folder } = await repositoryInMemory((driver) =>
        delayedPuts(driver, () => setting.clock?.sleep(putMs)),
      );
      setting.clock = clock;
      const startedMs = clock.monotonicMs();
      let preparedMs = -1;
      const prepare = async (): Promise<void> => {
        preparedMs = clock.monotonicMs() - startedMs;
        assert.equal((await lockIds(folder)).length, 1);
      };
      const lock = await clock.advanceUntil(acquireLock(repository, { prepare }));
      assert.equal(preparedMs, putMs < 100 ? putMs : putMs + 200, `${putMs} ms`);
      await clock.advanceUntil(lock.release());
    }
  });

  it('ends what is being prepared when another lock is in the way, and leaves no lock behind', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    let isEnded = false;
    const prepare = async (signal: AbortSignal): Promise<void> => {
      await putLock(folder, clock, { exclusive: true });
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      isEnded = true;
    };
    await assert.rejects(clock.advanceUntil(acquireLock(repository, { prepare })), isLocked(/other-host/));
    assert.equal(isEnded, true);
    assert.equal((await lockIds(folder)).length, 1);
  });

  it('releases the lock when the preparation fails', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    const prepare = (): Promise<void> => Promise.reject(new RepositoryError('corrupt', 'no index'));
    await assert.rejects(clock.advanceUntil(acquireLock(repository, { prepare })), { code: 'corrupt' });
    assert.deepEqual(await lockIds(folder), []);
  });

  it('lets shared locks stand side by side, and no exclusive one beside any', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    const first = await clock.advanceUntil(acquireLock(repository));
    const second = await clock.advanceUntil(acquireLock(repository));
    await assert.rejects(clock.advanceUntil(acquireLock(repository, { exclusive: true })), isLocked(/PID/));
    await first.release();
    await second.release();
    const exclusive = await clock.advanceUntil(acquireLock(repository, { exclusive: true }));
    await assert.rejects(clock.advanceUntil(acquireLock(repository)), isLocked(/locked exclusively/));
    await exclusive.release();
    assert.deepEqual(await lockIds(folder), []);
  });

  it('names the holder and what to do', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    await putLock(folder, clock, { exclusive: true, hostname: 'node-7/0a1b2c3d-4026531836-99' });
    await assert.rejects(
      clock.advanceUntil(acquireLock(repository)),
      isLocked(/PID 4711 on node-7 \(user ann\) since 2026-01-01T00:00:00Z.*tranship unlock/),
    );
  });

  it('gives way to a lock that was written at the same moment', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    const acquiring = acquireLock(repository);
    acquiring.catch(() => undefined);
    await clock.advance(100);
    const other = await putLock(folder, clock, { exclusive: true });
    await assert.rejects(clock.advanceUntil(acquiring), isLocked(/PID 4711/));
    assert.deepEqual(await lockIds(folder), [other]);
  });

  it('of two that ask for an exclusive lock at once at most one gets it', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    const asked = [1, 2].map(() => acquireLock(repository, { exclusive: true }));
    const answers = await clock.advanceUntil(Promise.allSettled(asked));
    assert.ok(answers.filter(({ status }) => status === 'fulfilled').length <= 1);
    assert.ok((await lockIds(folder)).length <= 1);
  });

  it('waits for retryMs, from 5 s doubling to 60 s', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    const other = await putLock(folder, clock, { exclusive: true });
    const acquiring = acquireLock(repository, { retryMs: 10 * minuteMs });
    await clock.advance(34_000);
    await folder.remove(other);
    // Asked again after 5, 15, 35 s.
    await clock.advance(500);
    assert.deepEqual(await lockIds(folder), []);
    await clock.advance(500);
    assert.equal((await lockIds(folder)).length, 1);
    await (await clock.advanceUntil(acquiring)).release();

    await putLock(folder, clock, { exclusive: true });
    const beganMs = clock.nowMs();
    await assert.rejects(
      clock.advanceUntil(acquireLock(repository, { retryMs: 3 * minuteMs })),
      isLocked(/PID/),
    );
    assert.ok(Math.abs(clock.nowMs() - beganMs - 3 * minuteMs) < 1000);
  });

  it('tries an unreadable lock again after 5, 10 and 20 s, then refuses', async () => {
    const { clock, repository, driver } = await repositoryInMemory();
    const key = `locks/${'ab'.repeat(32)}`;
    await driver.put(key, Buffer.from('not a lock, and long enough for an envelope'), {});
    const beganMs = clock.nowMs();
    await assert.rejects(
      clock.advanceUntil(acquireLock(repository)),
      isLocked(/cannot be read.*unlock --remove-all/),
    );
    assert.ok(clock.nowMs() - beganMs >= 35_000);

    const acquiring = acquireLock(repository);
    await clock.advance(6000);
    await driver.delete(key, {});
    await (await clock.advanceUntil(acquiring)).release();
  });

  it('ignores empty lock files and files of other names', async () => {
    const { clock, repository, driver } = await repositoryInMemory();
    await driver.put(`locks/${'cd'.repeat(32)}`, new Uint8Array(0), {});
    await driver.put('locks/README', Buffer.from('hello'), {});
    await (await clock.advanceUntil(acquireLock(repository, { exclusive: true }))).release();
  });

  it('leaves no lock behind when it is cancelled or the store fails', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    const cancelling = new AbortController();
    const acquiring = acquireLock(repository, { signal: cancelling.signal });
    acquiring.catch(() => undefined);
    await clock.advance(100);
    assert.equal((await lockIds(folder)).length, 1);
    cancelling.abort();
    await assert.rejects(clock.advanceUntil(acquiring), { code: 'cancelled' });
    assert.deepEqual(await lockIds(folder), []);
  });

  it('leaves no lock behind when the write failed after it took effect', async () => {
    const { clock, repository, folder, plan } = await repositoryWithFaults();
    plan.current = faultRules({ on: 'put', key: /^locks/, action: { kind: 'fail-after' } });
    await assert.rejects(clock.advanceUntil(acquireLock(repository)), StoreError);
    assert.deepEqual(await lockIds(folder), []);
  });
});

describe('stale locks', () => {
  it('of a process that is proven to be gone are removed without asking', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    await putLock(folder, clock, { exclusive: true, hostname: provableHostName({}), pid: endedPid() });
    // The PID was given again: the process that bears it now began at another time.
    await putLock(folder, clock, {
      exclusive: true,
      hostname: provableHostName({ started: '1' }),
      pid: process.pid,
    });
    const lock = await clock.advanceUntil(acquireLock(repository, { exclusive: true }));
    assert.deepEqual(await lockIds(folder), [lock.id]);
  });

  const gone = endedPid();
  for (const [title, holder] of Object.entries({
    'another boot': { hostname: provableHostName({ boot: '00000000' }), pid: gone },
    'another PID namespace': { hostname: provableHostName({ namespace: '1' }), pid: gone },
    'another host': { hostname: provableHostName({ host: 'elsewhere' }), pid: gone },
    'restic on our host': { hostname: hostname(), pid: gone },
    'a live process': { hostname: ownHolder().hostname, pid: process.pid },
  })) {
    it(`of ${title} are not removed without asking`, async () => {
      const { clock, repository, folder } = await repositoryInMemory();
      assert.equal(isProvenDead(holder), false);
      const id = await putLock(folder, clock, { exclusive: true, ...holder });
      await assert.rejects(clock.advanceUntil(acquireLock(repository)), isLocked(/PID/));
      assert.deepEqual(await lockIds(folder), [id]);
    });
  }

  it('that nobody refreshed for 30 minutes are removed', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    await putLock(folder, clock, { exclusive: true });
    await clock.advance(30 * minuteMs - 1000);
    await assert.rejects(clock.advanceUntil(acquireLock(repository)), isLocked(/PID 4711/));
    await clock.advance(1500);
    const lock = await clock.advanceUntil(acquireLock(repository, { exclusive: true }));
    assert.deepEqual(await lockIds(folder), [lock.id]);
  });

  it('are told by the clock of the store, not by that of the holder or ours', async () => {
    const { clock, driver, repository, folder } = await repositoryInMemory();
    const fresh = await putLock(folder, clock, { exclusive: true, time: '2025-12-31T00:00:00Z' });
    await assert.rejects(clock.advanceUntil(acquireLock(repository)), isLocked(/PID 4711/));
    assert.deepEqual(await lockIds(folder), [fresh]);
    // Ours is an hour ahead of the store's.
    const aheadClock = {
      nowMs: () => clock.nowMs() + 60 * minuteMs,
      monotonicMs: () => clock.monotonicMs(),
      sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
    };
    const ahead = await Repository.open(new ObjectStore(driver), { password, clock: aheadClock });
    await assert.rejects(clock.advanceUntil(acquireLock(ahead)), isLocked(/PID 4711/));
    assert.deepEqual(await unlock(ahead), []);
    assert.deepEqual(await lockIds(folder), [fresh]);
  });

  it('that cannot be removed still exclude', async () => {
    const { clock, repository, folder, plan } = await repositoryWithFaults();
    const other = await putLock(folder, clock, { exclusive: true });
    await clock.advance(31 * minuteMs);
    const denied = new StoreError('permission-denied', 'no deletions here');
    plan.current = faultRules({
      on: 'delete',
      key: new RegExp(other),
      times: 100,
      action: { kind: 'fail-before', error: denied },
    });
    await assert.rejects(clock.advanceUntil(acquireLock(repository)), isLocked(/PID 4711/));
    assert.deepEqual(await lockIds(folder), [other]);
  });
});

describe('unlock', () => {
  it("removes what is proven or by restic's rule dead, and what is older than 30 minutes", async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    const aged = await putLock(folder, clock);
    await clock.advance(31 * minuteMs);
    const live = await putLock(folder, clock);
    const proven = await putLock(folder, clock, { hostname: provableHostName({}), pid: endedPid() });
    const restics = await putLock(folder, clock, { hostname: hostname(), pid: endedPid() });
    const removed = await unlock(repository);
    assert.deepEqual(removed.map(({ id }) => id).sort(), [aged, proven, restics].sort());
    assert.equal(removed.find(({ id }) => id === aged)?.lock?.hostname, 'other-host');
    assert.deepEqual(await lockIds(folder), [live]);
  });

  it('with removeAll removes every lock, readable or not', async () => {
    const { clock, repository, driver, folder } = await repositoryInMemory();
    const live = await putLock(folder, clock, { exclusive: true });
    await driver.put(`locks/${'ab'.repeat(32)}`, Buffer.from('rubbish'), {});
    const removed = await unlock(repository, { removeAll: true });
    assert.deepEqual(removed.map(({ id }) => id).sort(), [live, 'ab'.repeat(32)].sort());
    assert.deepEqual(await lockIds(folder), []);
  });
});
