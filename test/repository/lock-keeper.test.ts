import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RepositoryError } from '../../src/base/errors.ts';
import { acquireLock, listLocks } from '../../src/repository/locks.ts';
import type { RepositoryLock } from '../../src/repository/locks.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import type { Operation } from '../../src/providers/objects/intercept.ts';
import { withFaults } from '../support/providers/fault.ts';
import type { FaultAction } from '../support/providers/fault.ts';
import { lockIds, putLock, repositoryInMemory } from './lock-fixtures.ts';

const minuteMs = 60_000;

/** A held exclusive lock in a store whose requests about locks can be made to fail. */
async function heldLock() {
  let choose: (operation: Operation) => FaultAction | undefined = () => undefined;
  const setting = await repositoryInMemory((driver) =>
    withFaults(driver, {
      fired: 0,
      choose: (operation) => (operation.key.startsWith('locks/') ? choose(operation) : undefined),
    }),
  );
  const lock = await setting.clock.advanceUntil(acquireLock(setting.repository, { exclusive: true }));
  const fail = (decide: (operation: Operation) => FaultAction | undefined): void => {
    choose = decide;
  };
  return { ...setting, lock, fail };
}

function assertLost(lock: RepositoryLock, pattern: RegExp): void {
  assert.ok(lock.lost.aborted, 'the lock should be lost');
  const reason: unknown = lock.lost.reason;
  assert.ok(reason instanceof RepositoryError);
  assert.equal(reason.code, 'locked');
  assert.match(reason.message, pattern);
}

describe('a held lock', () => {
  it('is written anew every 5 minutes, under another id, and the old file is deleted', async () => {
    const { clock, repository, lock, folder } = await heldLock();
    const first = lock.id;
    await clock.advance(5 * minuteMs - 2000);
    assert.equal(lock.id, first);
    await clock.advance(3000);
    assert.notEqual(lock.id, first);
    assert.deepEqual(await lockIds(folder), [lock.id]);
    const [stored] = await listLocks(repository);
    assert.equal(stored?.lock.exclusive, true);
    assert.ok(Date.parse(stored?.lock.time ?? '') > Date.UTC(2026, 0, 1) + 4 * minuteMs);
    const second = lock.id;
    await clock.advance(5 * minuteMs);
    assert.notEqual(lock.id, second);
    await clock.advance(3 * 60 * minuteMs);
    assert.equal(lock.lost.aborted, false);
    await lock.release();
    assert.deepEqual(await lockIds(folder), []);
  });

  it('survives a store that fails for 20 minutes', async () => {
    const { clock, lock, folder, fail } = await heldLock();
    const first = lock.id;
    fail(() => ({ kind: 'fail-before' }));
    await clock.advance(20 * minuteMs);
    assert.equal(lock.id, first);
    fail(() => undefined);
    await clock.advance(2 * minuteMs);
    assert.notEqual(lock.id, first);
    assert.equal(lock.lost.aborted, false);
    await lock.release();
    assert.deepEqual(await lockIds(folder), []);
  });

  for (const kind of ['fail-before', 'fail-after', 'stall'] as const) {
    it(`is lost soon after 22.5 minutes of a store that answers every request by ${kind}`, async () => {
      const { clock, lock, folder, fail } = await heldLock();
      fail(() => ({ kind }));
      await clock.advance(22.5 * minuteMs - 1000);
      assert.equal(lock.lost.aborted, false);
      await clock.advance(2000);
      if (kind === 'stall') {
        assert.equal(lock.lost.aborted, false);
        await clock.advance(minuteMs);
      }
      assertLost(lock, /could not be refreshed in time/);
      await assert.rejects(lock.assertHeld(), { code: 'locked' });
      fail(() => undefined);
      await lock.release();
      assert.deepEqual(await lockIds(folder), []);
    });
  }

  it('is lost when the write of the refresh is never confirmed', async () => {
    const { clock, lock, folder, fail } = await heldLock();
    fail(({ kind }) => (kind === 'put' ? { kind: 'fail-after' } : undefined));
    await clock.advance(24 * minuteMs);
    assertLost(lock, /could not be refreshed in time/);
    await lock.release();
    assert.deepEqual(await lockIds(folder), []);
  });

  it('is lost at the next refresh when somebody removed it', async () => {
    const { clock, lock, folder } = await heldLock();
    await folder.remove(lock.id);
    await clock.advance(5 * minuteMs + 2000);
    assertLost(lock, /removed by another process/);
    assert.deepEqual(await lockIds(folder), []);
    await lock.release();
  });

  it('is confirmed once more after the machine slept, when nobody removed it', async () => {
    const { clock, lock, folder } = await heldLock();
    const first = lock.id;
    clock.jump(31 * minuteMs);
    await clock.advance(3000);
    assert.notEqual(lock.id, first);
    assert.equal(lock.lost.aborted, false);
    await lock.assertHeld();
    assert.deepEqual(await lockIds(folder), [lock.id]);
    await lock.release();
  });

  it('is lost after the machine slept when somebody removed it', async () => {
    const { clock, lock, folder } = await heldLock();
    clock.jump(24 * 60 * minuteMs);
    await folder.remove(lock.id);
    await clock.advance(2000);
    assertLost(lock, /removed by another process/);
    await assert.rejects(lock.assertHeld(), { code: 'locked' });
    await lock.release();
  });

  it('is lost when it is removed while it is being confirmed, and leaves nothing behind', async () => {
    const { clock, lock, folder } = await heldLock();
    const first = lock.id;
    clock.jump(31 * minuteMs);
    await clock.advance(1050);
    assert.equal((await lockIds(folder)).length, 2);
    await folder.remove(first);
    await clock.advance(1000);
    assertLost(lock, /removed by another process/);
    await lock.release();
    assert.deepEqual(await lockIds(folder), []);
  });

  it('is not adopted anew by a refresh that the machine slept through', async () => {
    const { clock, lock, folder, fail } = await heldLock();
    const first = lock.id;
    fail((operation) => {
      // Asleep between the look at the old lock and the writing of the new one; meanwhile the old one is removed.
      if (operation.kind === 'put') {
        fail(() => undefined);
        clock.jump(40 * minuteMs);
        void folder.remove(first);
      }
      return undefined;
    });
    await clock.advance(5 * minuteMs + 5000);
    assertLost(lock, /removed by another process/);
    await lock.release();
    assert.deepEqual(await lockIds(folder), []);
  });

  it('is in doubt when the wall clock was set back but the monotonic one went on', async () => {
    const { clock, lock, folder } = await heldLock();
    await folder.remove(lock.id);
    clock.passUnseen(23 * minuteMs);
    await assert.rejects(clock.advanceUntil(lock.assertHeld()), { code: 'locked' });
  });

  it('vouches for deletions only as long as it is surely held', async () => {
    const { clock, lock, fail } = await heldLock();
    await lock.assertHeld();
    clock.jump(23 * minuteMs);
    const asked = lock.assertHeld();
    let answered = false;
    void asked.then(() => (answered = true));
    await clock.advance(100);
    assert.equal(answered, false, 'waits until the lock is confirmed');
    await clock.advance(500);
    assert.equal(answered, true);
    fail(() => ({ kind: 'stall' }));
    clock.jump(23 * minuteMs);
    await assert.rejects(clock.advanceUntil(lock.assertHeld()), { code: 'locked' });
    fail(() => undefined);
    await lock.release();
  });

  it('can be released while a refresh hangs', async () => {
    const { clock, lock, folder, fail } = await heldLock();
    fail(({ kind }) => (kind === 'put' ? { kind: 'stall' } : undefined));
    await clock.advance(6 * minuteMs);
    await lock.release();
    assert.deepEqual(await lockIds(folder), []);
  });

  it('is released with a warning when it cannot be deleted', async () => {
    const { clock, lock, folder, fail } = await heldLock();
    fail(({ kind }) => (kind === 'delete' ? { kind: 'fail-before' } : undefined));
    await clock.advanceUntil(lock.release());
    assert.deepEqual(await lockIds(folder), [lock.id]);
  });

  it('does not mind other shared locks', async () => {
    const { clock, repository, folder } = await repositoryInMemory();
    const lock = await clock.advanceUntil(acquireLock(repository));
    await putLock(folder, clock);
    await clock.advance(20 * minuteMs);
    assert.equal(lock.lost.aborted, false);
    await lock.release();
    assert.equal((await lockIds(folder)).length, 1);
  });
});

describe('P5: random sleeps, failures and removals', () => {
  it('never vouch for a lock that others could have taken', async (t) => {
    await forEachSeed(t, scaled(20, 200), async (seed) => {
      const random = createRandom(seed);
      const { clock, lock, folder, fail } = await heldLock();
      let failures = 0;
      fail(({ kind }) => {
        if (kind === 'delete' || !random.chance(failures)) return undefined;
        return { kind: random.pick(['fail-before', 'fail-after', 'stall']) };
      });
      // Others remove locks as the rules allow: what was not refreshed for 30 minutes by the store's clock.
      const removeStale = async (): Promise<void> => {
        for (const { id, modifiedMs } of await folder.list()) {
          if (clock.nowMs() - modifiedMs > 30 * minuteMs) await folder.remove(id);
        }
      };
      for (let step = 0; step < 12 && !lock.lost.aborted; step++) {
        failures = random.pick([0, 0, 0.3, 1]);
        await clock.advance(random.between(1, 10 * minuteMs));
        if (random.chance(0.3)) clock.jump(random.between(1, 60) * minuteMs);
        if (random.chance(0.5)) await removeStale();
        if (random.chance(0.5)) await clock.advance(random.between(1, 3000));
        if (random.chance(0.5)) await removeStale();
        const vouched = await clock.advanceUntil(
          lock.assertHeld().then(
            () => true,
            () => false,
          ),
        );
        if (vouched)
          assert.ok(
            (await lockIds(folder)).includes(lock.id),
            `step ${step}: vouched for a lock that is gone`,
          );
        assert.notEqual(vouched, lock.lost.aborted);
      }
      failures = 0;
      await clock.advanceUntil(lock.release());
    });
  });
});
