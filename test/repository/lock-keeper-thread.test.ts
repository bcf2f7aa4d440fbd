import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { silentLogger } from '../../src/base/logger.ts';
import type { RepositoryError } from '../../src/base/errors.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import { LockKeeper, lockTime } from '../../src/repository/lock-keeper.ts';
import { LockKeeperThread } from '../../src/repository/lock-keeper-thread.ts';
import { ownHolder } from '../../src/repository/lock-identity.ts';
import { acquireLock } from '../../src/repository/locks.ts';
import { Repository } from '../../src/repository/repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { folderOf, lockIds, password } from './lock-fixtures.ts';
import { weakScrypt } from '../support/weak-key.ts';

const minuteMs = 60_000;

/** A lock that was last refreshed some minutes ago, kept by a thread that starts at once. */
async function keptLock(t: TestContext, ageMinutes: number, url?: string) {
  const store = await openStore(temporaryFolder(t));
  const repository = await Repository.init(store, { password, scryptCost: weakScrypt });
  const folder = folderOf(repository);
  const confirmedMs = Date.now() - ageMinutes * minuteMs;
  const lock = { ...ownHolder(), exclusive: true, time: lockTime(confirmedMs) };
  const sealed = folder.seal(lock);
  await folder.put(sealed);
  const lost: RepositoryError[] = [];
  const keeper = new LockKeeper({
    folder,
    lock,
    state: { id: sealed.id, confirmedMs },
    clock: systemClock,
    onLost: (reason) => lost.push(reason),
  });
  const { encrypt, macK, macR } = repository.masterKey;
  const masterKey = {
    encrypt: Uint8Array.from(encrypt),
    macK: Uint8Array.from(macK),
    macR: Uint8Array.from(macR),
  };
  const thread = new LockKeeperThread({
    keeper,
    data: { url: url ?? store.url, settings: {}, masterKey, version: 2, lock },
    clock: systemClock,
    logger: silentLogger,
    startAfterMs: 0,
  });
  t.after(() => thread.release());
  return { folder, keeper, thread, first: sealed.id, lost };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadlineMs, 'waited for 20 s in vain');
    await delay(20);
  }
}

describe('the thread of a lock', () => {
  it('refreshes it while the main thread is busy, and ends with the release', async (t) => {
    const { folder, thread, first, lost } = await keptLock(t, 6);
    await until(() => thread.isRunning);
    let passedMs = 0;
    let refreshed = false;
    while (!refreshed && passedMs < 20_000) {
      // Blocked as by a long computation: no timer and no message of this thread comes through.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      passedMs += 500;
      const ids = await lockIds(folder);
      refreshed = ids.length === 1 && ids[0] !== first;
    }
    assert.ok(refreshed, 'the lock was not refreshed');
    await until(() => thread.id !== first);
    assert.deepEqual(await lockIds(folder), [thread.id]);
    await thread.release();
    assert.deepEqual(await lockIds(folder), []);
    assert.deepEqual(lost, []);
  });

  it('confirms a lock in doubt', async (t) => {
    const { folder, thread, first } = await keptLock(t, 25);
    await until(() => thread.isRunning);
    await thread.confirm();
    assert.notEqual(thread.id, first);
    // The lock is confirmed before its old file is gone.
    await until(async () => (await lockIds(folder)).length === 1);
    assert.deepEqual(await lockIds(folder), [thread.id]);
  });

  it('answers all who ask about a lock in doubt at once', async (t) => {
    const { folder, thread, first, lost } = await keptLock(t, 25);
    await until(() => thread.isRunning);
    const asked = Promise.all([thread.confirm(), thread.confirm(), thread.confirm()]);
    const limit = new AbortController();
    const silence = delay(20_000, 'nobody answered', { signal: limit.signal });
    assert.notEqual(await Promise.race([asked, silence]), 'nobody answered');
    limit.abort();
    await assert.rejects(silence, { name: 'AbortError' });
    assert.notEqual(thread.id, first);
    await until(async () => (await lockIds(folder)).length === 1);
    assert.deepEqual(lost, []);

    const removed = await keptLock(t, 25);
    await until(() => removed.thread.isRunning);
    await removed.folder.remove(removed.first);
    const answers = await Promise.allSettled([removed.thread.confirm(), removed.thread.confirm()]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
  });

  it('reports a lock that was removed', async (t) => {
    const { folder, thread, first, lost } = await keptLock(t, 1);
    await until(() => thread.isRunning);
    await folder.remove(first);
    await delay(100);
    assert.equal(lost.length, 0, 'nobody looks before the next refresh');
    await thread.release();

    const second = await keptLock(t, 25);
    await until(() => second.thread.isRunning);
    await second.folder.remove(second.first);
    await assert.rejects(second.thread.confirm(), { code: 'locked' });
    assert.match(String(second.lost[0]?.message), /removed by another process|refreshed in time/);
  });

  it('is replaced by the keeper of the main thread when it cannot reach the store', async (t) => {
    const elsewhere = pathToFileURL(temporaryFolder(t)).href;
    const { folder, thread, first, lost } = await keptLock(t, 6, elsewhere);
    await until(() => thread.isRunning);
    await until(() => !thread.isRunning);
    await until(() => thread.id !== first);
    assert.deepEqual(await lockIds(folder), [thread.id]);
    assert.deepEqual(lost, []);
  });
});

describe('acquireLock on a folder', () => {
  it('takes and releases with the real clock', async (t) => {
    const store = await openStore(temporaryFolder(t));
    const repository = await Repository.init(store, { password, scryptCost: weakScrypt });
    const lock = await acquireLock(repository, { exclusive: true });
    await assert.rejects(acquireLock(repository), { code: 'locked' });
    await lock.assertHeld();
    await lock.release();
    assert.deepEqual(await lockIds(folderOf(repository)), []);
  });
});

describe('the lock of another process', () => {
  async function startHolder(t: TestContext, then: 'stay' | 'release' | 'exit') {
    const location = temporaryFolder(t);
    const store = await openStore(location);
    const repository = await Repository.init(store, { password, scryptCost: weakScrypt });
    const script = fileURLToPath(new URL('lock-holder-process.ts', import.meta.url));
    const holder = spawn(process.execPath, [script, location, password, then], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(holder, 'exit');
    t.after(() => holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    return { repository, holder, ended };
  }

  it('excludes while it lives, and is removed without asking after a SIGKILL', async (t) => {
    const { repository, holder, ended } = await startHolder(t, 'stay');
    await assert.rejects(acquireLock(repository), { code: 'locked' });
    holder.kill('SIGKILL');
    await ended;
    const lock = await acquireLock(repository, { exclusive: true });
    assert.deepEqual(await lockIds(folderOf(repository)), [lock.id]);
    await lock.release();
  });

  it('does not keep a process alive, be it released or not', async (t) => {
    for (const then of ['exit', 'release'] as const) {
      const { repository, ended } = await startHolder(t, then);
      assert.deepEqual(await ended, [0, null]);
      assert.equal((await lockIds(folderOf(repository))).length, then === 'release' ? 0 : 1);
    }
  });
});
