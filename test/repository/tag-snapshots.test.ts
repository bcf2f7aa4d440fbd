import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { acquireLock } from '../../src/repository/locks.ts';
import { Repository } from '../../src/repository/repository.ts';
import { listSnapshots } from '../../src/repository/snapshots.ts';
import { tagSnapshots } from '../../src/repository/tag-snapshots.ts';
import type { TagOptions } from '../../src/repository/tag-snapshots.ts';
import { crashStates } from '../support/crash-states.ts';
import { failEverywhere, withFaults } from '../support/providers/fault.ts';
import type { FaultAction } from '../support/providers/fault.ts';
import { Trace, withTrace } from '../support/providers/trace.ts';
import { hastyClock } from '../support/quick-repository.ts';
import { createRandom } from '../support/seed.ts';
import { weakScrypt } from '../support/weak-key.ts';

const tree = '12'.repeat(32);
const big = '"unknown":{"number":12345678901234567890,"list":[1.50]}';
const own = '"tranship":{"errors":1,"from":{"volume":"data"}}';
let initial: ReadonlyMap<string, Uint8Array>;
let ids: readonly string[];

function documentOf(host: string, day: number, tags: string): Buffer {
  const time = `2026-01-0${day}T00:00:00Z`;
  return Buffer.from(
    `{"time":"${time}","tree":"${tree}","paths":["/data"],"hostname":"${host}"${tags},${own},${big}}`,
  );
}

before(async () => {
  const driver = new MemoryDriver();
  const store = new ObjectStore(driver);
  const repository = await Repository.init(store, {
    password: 'test',
    scryptCost: weakScrypt,
    clock: hastyClock,
  });
  ids = [
    await repository.saveDocument('snapshots', documentOf('a', 1, '')),
    await repository.saveDocument('snapshots', documentOf('a', 2, ',"tags":["x","y"]')),
    await repository.saveDocument('snapshots', documentOf('b', 3, ',"tags":["x"]')),
  ];
  initial = driver.contents();
});

function open(driver: ObjectDriver): Promise<Repository> {
  return Repository.open(new ObjectStore(driver), { password: 'test', clock: hastyClock });
}

function copyOfStore(): MemoryDriver {
  return new MemoryDriver({ objects: initial });
}

/** `1:x,y` for the snapshot of the first day. */
async function tagsByDay(repository: Repository): Promise<string[]> {
  const { snapshots } = await listSnapshots(repository);
  return snapshots.map(({ time, tags = [] }) => `${Number(time.slice(8, 10))}:${tags.join(',')}`);
}

describe('tagSnapshots', () => {
  it('sets, adds and removes tags of what the filter chooses', async () => {
    const repository = await open(copyOfStore());
    const { changed } = await tagSnapshots(repository, { add: ['y', 'z', 'z'], remove: ['x'] });
    assert.equal(changed.length, 3);
    assert.deepEqual(await tagsByDay(repository), ['1:y,z', '2:y,z', '3:y,z']);
    await tagSnapshots(repository, { filter: { hosts: ['a'] }, set: ['n'] });
    assert.deepEqual(await tagsByDay(repository), ['1:n', '2:n', '3:y,z']);
    await tagSnapshots(repository, { snapshots: ['latest', 'latest'], set: [] });
    assert.deepEqual(await tagsByDay(repository), ['1:n', '2:n', '3:']);
    assert.deepEqual(await repository.listIds('locks'), []);
  });

  it('keeps everything else byte for byte, and the id of the first version', async () => {
    const repository = await open(copyOfStore());
    const [first = ''] = ids;
    await tagSnapshots(repository, { snapshots: [first], add: ['one'] });
    const { changed } = await tagSnapshots(repository, { filter: { tags: [['one']] }, add: ['two'] });
    const json = Buffer.from(await repository.loadDocument('snapshots', changed[0]?.newId ?? '')).toString();
    for (const member of [big, own, `"original":"${first}"`, '"tags":["one","two"]']) {
      assert.ok(json.includes(member), `${member} in ${json}`);
    }
  });

  it('leaves alone what has the tags already, and writes nothing in a dry run', async () => {
    const driver = copyOfStore();
    const repository = await open(driver);
    const same = await tagSnapshots(repository, { snapshots: [ids[1] ?? ''], add: ['x'], remove: ['z'] });
    assert.deepEqual(same.changed, []);
    const dry = await tagSnapshots(repository, { set: ['x'], dryRun: true });
    assert.deepEqual(
      dry.changed.map(({ oldId, newId }) => [oldId, newId]),
      [
        [ids[0], undefined],
        [ids[1], undefined],
      ],
    );
    assert.deepEqual(driver.contents(), initial);
  });

  it('refuses no change, two kinds of change, and a snapshot that is not there, before anything changes', async () => {
    const driver = copyOfStore();
    const repository = await open(driver);
    await assert.rejects(tagSnapshots(repository, {}), UsageError);
    await assert.rejects(tagSnapshots(repository, { set: [], add: ['x'] }), UsageError);
    await assert.rejects(tagSnapshots(repository, { snapshots: [ids[0] ?? '', '00'], add: ['z'] }), {
      code: 'not-found',
    });
    assert.deepEqual(driver.contents(), initial);
  });

  it('names a damaged snapshot and changes the others, under an exclusive lock', async () => {
    const driver = copyOfStore();
    const repository = await open(driver);
    await repository.store.put(`snapshots/${'ee'.repeat(32)}`, Buffer.from('damaged'));
    const shared = await acquireLock(repository);
    await assert.rejects(tagSnapshots(repository, { add: ['z'] }), { code: 'locked' });
    await shared.release();
    const { changed, damaged } = await tagSnapshots(repository, { add: ['z'] });
    assert.deepEqual([changed.length, damaged.length], [3, 1]);
  });

  it('no snapshot is lost by any fault of the store, and the same call again ends what was begun', async () => {
    const actions: FaultAction[] = [
      { kind: 'fail-before' },
      { kind: 'fail-after' },
      { kind: 'truncate', sizeBytes: 50 },
      { kind: 'flip', offset: 40 },
    ];
    for (const action of actions) {
      await failEverywhere(action, async (plan, nth) => {
        const driver = copyOfStore();
        try {
          await tagSnapshots(await open(withFaults(driver, plan)), { add: ['z'] });
        } catch (error) {
          if (!(error instanceof Error)) throw error;
        }
        await assertCompletes(driver, `${action.kind} of request ${nth}`);
      });
    }
  });

  it('no snapshot is lost by a kill at any moment, and the same call again ends what was begun', async () => {
    const trace = new Trace();
    await tagSnapshots(await open(withTrace(copyOfStore(), trace)), { add: ['z'] });
    const states = [...crashStates(trace.entries, initial, createRandom(1))];
    assert.ok(states.length >= 9);
    for (const { objects, label } of states) {
      const driver = new MemoryDriver({ objects });
      await removeLocks(driver);
      await assertCompletes(driver, label);
    }
  });
});

describe('a tag that was interrupted between save and remove, and is repeated, leaves no duplicate', () => {
  /** What is there when the old versions could not be removed, and the ids of both versions of the newest. */
  async function interrupted(
    options: TagOptions,
  ): Promise<{ repository: Repository; old: string; new: string }> {
    const driver = copyOfStore();
    await tagSnapshots(await open(driver), options);
    const repository = await open(driver);
    for (const id of ids) {
      const key = `snapshots/${id}`;
      await repository.store.put(key, Buffer.from(initial.get(key) ?? []));
    }
    const { snapshots } = await listSnapshots(repository, { hosts: ['b'] });
    const made = snapshots.find(({ original }) => original !== undefined);
    assert.equal(snapshots.length, 2);
    return { repository, old: ids[2] ?? '', new: made?.id ?? '' };
  }

  const newest = { filter: { hosts: ['b'] } };

  it('by the id of the old version', async () => {
    const { repository, ...both } = await interrupted({ ...newest, add: ['z'] });
    const { changed } = await tagSnapshots(repository, { snapshots: [both.old], add: ['z'] });
    assert.deepEqual(changed, [{ oldId: both.old, newId: both.new, tags: ['x', 'z'] }]);
    assert.deepEqual(await tagsByDay(repository), ['1:', '2:x,y', '3:x,z']);
  });

  it('by the id of the new version, or by `latest`', async () => {
    for (const name of ['new', 'latest']) {
      const { repository, ...both } = await interrupted({ ...newest, add: ['z'] });
      const options = { snapshots: [name === 'new' ? both.new : name], add: ['z'] };
      const dry = await tagSnapshots(repository, { ...options, dryRun: true });
      assert.deepEqual(
        dry.changed.map(({ oldId }) => oldId),
        [both.old],
      );
      const { changed } = await tagSnapshots(repository, options);
      assert.deepEqual(changed, [{ oldId: both.old, newId: both.new, tags: ['x', 'z'] }]);
      assert.deepEqual(await tagsByDay(repository), ['1:', '2:x,y', '3:x,z']);
    }
  });

  it('by a filter that the new version does not match', async () => {
    const options = { filter: { tags: [['x']] }, remove: ['x'] };
    const { repository } = await interrupted(options);
    await tagSnapshots(repository, options);
    assert.deepEqual(await tagsByDay(repository), ['1:', '2:y', '3:']);
  });

  it('but no version is removed that differs in anything else, or is of another snapshot', async () => {
    const repository = await open(copyOfStore());
    const [, , first = ''] = ids;
    const add = async (day: number, more: string): Promise<string> =>
      repository.saveDocument('snapshots', documentOf('b', day, more));
    const done = await add(3, `,"tags":["x","z"],"original":"${first}"`);
    await add(3, `,"tags":["x"],"original":"${'34'.repeat(32)}"`);
    await add(4, `,"tags":["x"],"original":"${first}"`);
    await add(3, `,"username":"u","tags":["x"],"original":"${first}"`);
    await add(3, `,"tags":["x","q"],"original":"${first}"`);
    const { changed } = await tagSnapshots(repository, { snapshots: [done], add: ['z'] });
    assert.deepEqual(changed, [{ oldId: first, newId: done, tags: ['x', 'z'] }]);
    assert.deepEqual((await tagsByDay(repository)).sort(), [
      '1:',
      '2:x,y',
      '3:x',
      '3:x',
      '3:x,q',
      '3:x,z',
      '4:x',
    ]);
  });

  it('two versions that become the same document become one', async () => {
    const { repository } = await interrupted({ ...newest, add: ['z'] });
    const { changed } = await tagSnapshots(repository, { ...newest, set: ['n'] });
    assert.equal(changed.length, 2);
    assert.equal(changed[0]?.newId, changed[1]?.newId);
    assert.deepEqual(await tagsByDay(repository), ['1:', '2:x,y', '3:n']);
  });
});

/** Every snapshot is there in one version at least; after the call once more in exactly the new one. */
async function assertCompletes(driver: MemoryDriver, label: string): Promise<void> {
  const repository = await open(driver);
  const days = new Set((await tagsByDay(repository)).map((line) => line.slice(0, 1)));
  assert.deepEqual([...days], ['1', '2', '3'], label);
  await removeLocks(driver);
  await tagSnapshots(repository, { add: ['z'] });
  assert.deepEqual(await tagsByDay(repository), ['1:z', '2:x,y,z', '3:x,z'], label);
}

/** Those of this process seem alive. */
async function removeLocks(driver: MemoryDriver): Promise<void> {
  const store = new ObjectStore(driver);
  for await (const { key } of store.list('locks/')) await store.delete(key);
}
