/** Repositories in memory, and locks of other holders, for the tests of locks. */
import { spawnSync } from 'node:child_process';
import type { Clock } from '../../src/base/clock.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import type { LockFile } from '../../src/repository/format/lock-file.ts';
import { LockFolder } from '../../src/repository/lock-folder.ts';
import { ownHolder } from '../../src/repository/lock-identity.ts';
import { lockTime } from '../../src/repository/lock-keeper.ts';
import { Repository } from '../../src/repository/repository.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { weakScrypt } from '../support/weak-key.ts';

export const password = 'test';

export interface LockedRepository {
  readonly clock: ManualClock;
  readonly driver: MemoryDriver;
  readonly repository: Repository;
  readonly folder: LockFolder;
}

/** A new repository in memory under a clock that stands still. `decorate` wraps the driver of the repository only. */
export async function repositoryInMemory(
  decorate: (driver: ObjectDriver) => ObjectDriver = (driver) => driver,
): Promise<LockedRepository> {
  const clock = new ManualClock();
  const driver = new MemoryDriver({ clock });
  const store = new ObjectStore(decorate(driver));
  const repository = await Repository.init(store, { password, clock, scryptCost: weakScrypt });
  return { clock, driver, repository, folder: folderOf(repository, new ObjectStore(driver)) };
}

export function folderOf(repository: Repository, store = repository.store): LockFolder {
  const { cipher, compressor, config } = repository;
  return new LockFolder({ store, cipher, compressor, version: config.version });
}

/** Writes a lock as another process would, and returns its id. */
export async function putLock(
  folder: LockFolder,
  clock: Clock,
  lock: Partial<LockFile> = {},
): Promise<string> {
  const other = {
    hostname: 'other-host',
    username: 'ann',
    pid: 4711,
    uid: 1000,
    gid: 1000,
    exclusive: false,
  };
  const sealed = folder.seal({ ...other, time: lockTime(clock.nowMs()), ...lock });
  await folder.put(sealed);
  return sealed.id;
}

export async function lockIds(folder: LockFolder): Promise<string[]> {
  return (await folder.list()).map(({ id }) => id);
}

/** The PID of a process that has ended. */
export function endedPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

/** A host name as our locks bear it, with parts of it changed. */
export function provableHostName(change: {
  readonly host?: string;
  readonly boot?: string;
  readonly namespace?: string;
  readonly started?: string;
}): string {
  const [host = '', tail = ''] = ownHolder().hostname.split('/');
  const [boot = '', namespace = '', started = ''] = tail.split('-');
  const parts = { host, boot, namespace, started, ...change };
  return `${parts.host}/${parts.boot}-${parts.namespace}-${parts.started}`;
}
