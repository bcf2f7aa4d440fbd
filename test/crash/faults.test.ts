import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { CancelledError, StoreError, TranshipError, describeError } from '../../src/base/errors.ts';
import { restore } from '../../src/copy/restore.ts';
import { stage } from '../../src/copy/stage.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { withRetry } from '../../src/providers/objects/retry.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { checkRepository } from '../../src/repository/check.ts';
import type { MasterKey } from '../../src/repository/crypto/cipher.ts';
import { Repository } from '../../src/repository/repository.ts';
import { hastyClock } from '../support/hasty-clock.ts';
import { assertWriteOrder } from '../support/order-checker.ts';
import { faultRules, seededFaults, withFaults } from '../support/providers/fault.ts';
import type { FaultAction, FaultPlan, FaultRule } from '../support/providers/fault.ts';
import { InstantClock } from '../support/providers/instant-clock.ts';
import { Trace, withTrace } from '../support/providers/trace.ts';
import { makeRandomTree, mutateTree } from '../support/random-tree.ts';
import { forEachSeed, isFullScale, scaled } from '../support/seed.ts';
import { removeTree } from '../support/temporary-folder.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { weakScrypt } from '../support/weak-key.ts';

const password = 'test';
/** Small runs try every so many positions, from a random one on; full ones all. */
const STRIDE = scaled(4, 1);

interface Fault {
  readonly name: string;
  readonly rule: Omit<FaultRule, 'nth'>;
  /** The store confirms no put by a checksum, so that puts may go wrong in silence. */
  readonly confirmsNothing?: boolean;
}

const noSpace = new StoreError('no-space', 'the store is full');
const omitAll: FaultAction = { kind: 'omit', omits: () => true };
const omitSome: FaultAction = { kind: 'omit', omits: (key) => Number.parseInt(key.slice(-1), 16) % 2 === 0 };
const flip: FaultAction = { kind: 'flip', offset: 60, bit: 3 };

const faults: readonly Fault[] = [
  { name: 'a request fails', rule: { action: { kind: 'fail-before' } } },
  { name: 'a request fails after it took effect', rule: { action: { kind: 'fail-after' } } },
  { name: 'a request fails for good', rule: { action: { kind: 'fail-before', error: noSpace } } },
  { name: 'the store is gone', rule: { times: Infinity, action: { kind: 'fail-before' } } },
  { name: 'a get yields nothing', rule: { on: 'get', action: { kind: 'drop' } } },
  { name: 'a get is cut short', rule: { on: 'get', action: { kind: 'truncate', sizeBytes: 100 } } },
  { name: 'a get breaks off', rule: { on: 'get', action: { kind: 'break-off', after: 100 } } },
  { name: 'a get has a bit flipped', rule: { on: 'get', action: flip } },
  { name: 'two gets have a bit flipped', rule: { on: 'get', times: 2, action: flip } },
  { name: 'a list is empty', rule: { on: 'list', action: omitAll } },
  { name: 'a list leaves objects out', rule: { on: 'list', action: omitSome } },
  { name: 'a list breaks off', rule: { on: 'list', action: { kind: 'break-off', after: 1 } } },
];

/** What a put may become where nothing confirms it, once and for as often as it is tried. */
const silentFaults: readonly Fault[] = [1, 100].flatMap((times) => {
  const faultOf = (name: string, action: FaultAction): Fault => ({
    name: `${times === 1 ? 'an acknowledged put' : 'each put from one on'} ${name}`,
    rule: { on: 'put', times, action },
    confirmsNothing: true,
  });
  return [
    faultOf('is lost', { kind: 'drop' }),
    faultOf('is cut short', { kind: 'truncate', sizeBytes: 70 }),
    faultOf('has a bit flipped', { kind: 'flip', offset: 40, bit: 1 }),
  ];
});

let folder = '';
let source = '';
let target = '';
/** A repository with two snapshots of earlier states of the source. */
let base: ReadonlyMap<string, Uint8Array> = new Map();
let earlier: readonly string[] = [];
let masterKey: MasterKey;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tranship-test-'));
  source = join(folder, 'source');
  target = join(folder, 'target');
  const seed = 20_261;
  makeRandomTree(source, seed, { entries: 12, budgetBytes: 100_000 });
  const driver = new MemoryDriver();
  const options = { password, scryptCost: weakScrypt, clock: hastyClock() };
  const repository = await Repository.init(new ObjectStore(driver), options);
  for (let pass = 0; pass < 2; pass++) {
    await stageSource(repository);
    mutateTree(source, seed + pass);
  }
  base = driver.contents();
  masterKey = repository.masterKey;
  earlier = await repository.listIds('snapshots');
});
after(() => removeTree(folder));

function open(driver: ObjectDriver, signal?: AbortSignal): Promise<Repository> {
  return Repository.open(new ObjectStore(driver), { password, clock: hastyClock(), signal });
}

function stageSource(repository: Repository, signal?: AbortSignal) {
  return stage(repository, { paths: [source], storeAs: '/v', workers: 1, signal });
}

function restoreNewest(repository: Repository, signal?: AbortSignal) {
  return restore(repository, { snapshot: 'latest:/v', target, workers: 1, delete: true, signal });
}

/** A driver on which things go wrong, over a store of these objects, with a trace of what reached the store. */
function faulty(plan: FaultPlan, objects: ReadonlyMap<string, Uint8Array> = base) {
  const inner = new MemoryDriver({ objects });
  const trace = new Trace();
  return { inner, trace, driver: withFaults(withTrace(inner, trace), plan) };
}

/** As {@link faulty}, but nothing confirms a put, and the trace is of what was asked for. */
function unconfirmed(plan: FaultPlan) {
  const inner = new MemoryDriver({ objects: base });
  const trace = new Trace();
  const driver = withTrace(withFaults(inner, plan), trace);
  return {
    inner,
    trace,
    driver: { ...driver, capabilities: { ...driver.capabilities, confirmsPuts: false } },
  };
}

type Outcome<T> = { readonly result: T } | { readonly error: TranshipError };

/** The result, or the error when it is one of ours; anything else that is thrown fails the test. */
async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { result: await work() };
  } catch (error) {
    if (error instanceof TranshipError) return { error };
    throw error;
  }
}

/** Everything that can be seen is whole, the earlier snapshots among it. Returns the ids of all snapshots. */
async function assertSound(inner: MemoryDriver): Promise<readonly string[]> {
  const repository = await open(inner);
  const report = await checkRepository(repository, { readData: 'all' });
  assert.deepEqual(report.errors, []);
  assert.deepEqual(report.affectedSnapshots, []);
  const snapshots = await repository.listIds('snapshots');
  for (const id of earlier) assert.ok(snapshots.includes(id), `the earlier snapshot ${id} is gone`);
  return snapshots;
}

async function assertNextPassWorks(inner: MemoryDriver): Promise<void> {
  const { snapshotId, isPartial } = await stageSource(await open(inner));
  assert.ok(snapshotId !== undefined && !isPartial);
  assert.ok((await assertSound(inner)).includes(snapshotId));
}

async function assertRestored(inner: MemoryDriver): Promise<void> {
  const { isPartial } = await restoreNewest(await open(inner));
  assert.equal(isPartial, false);
  assert.deepEqual(compareTrees(source, target), []);
  removeTree(target);
}

/** Runs the scenario with the fault at one position after the other, until it makes no further such request. */
async function forEachPosition(
  fault: Pick<Fault, 'name' | 'rule'>,
  scenario: (plan: FaultPlan, nth: number) => Promise<void>,
): Promise<number> {
  for (let nth = randomInt(1, STRIDE + 1), tried = 1; ; nth += STRIDE, tried++) {
    const plan = faultRules({ ...fault.rule, nth });
    try {
      await scenario(plan, nth);
    } catch (error) {
      throw new Error(`${fault.name}, at request ${nth}: ${describeError(error)}`, { cause: error });
    }
    if (plan.fired === 0) return tried;
  }
}

async function stageWith(fault: Fault, plan: FaultPlan, nth: number): Promise<'done' | 'failed'> {
  const { inner, trace, driver } = fault.confirmsNothing === true ? unconfirmed(plan) : faulty(plan);
  const outcome = await outcomeOf(async () => stageSource(await open(driver)));
  if (isUnreadable(fault, outcome)) return 'failed';
  const snapshots = await assertSound(inner);
  assertWriteOrder(trace, { masterKey, initial: base });
  if ('error' in outcome) assert.notEqual(plan.fired, 0, 'failed without a fault');
  else {
    assert.equal(outcome.result.isPartial, false);
    assert.ok(snapshots.includes(outcome.result.snapshotId ?? ''), 'the acknowledged snapshot is not there');
  }
  if (isFullScale() || nth % 3 === 0) await assertNextPassWorks(inner);
  if (nth % 6 === 0) await assertRestored(inner);
  return 'error' in outcome ? 'failed' : 'done';
}

/** What a store holds that damages every put, however often it is repeated, is nobody's success. */
function isUnreadable({ rule }: Fault, outcome: Outcome<unknown>): boolean {
  if (rule.times !== 100 || rule.action.kind === 'drop') return false;
  return 'error' in outcome && outcome.error.code === 'corrupt';
}

describe('stage, with a fault at one request after the other', () => {
  for (const fault of [...faults, ...silentFaults]) {
    it(`${fault.name}: the repository stays sound`, async (t) => {
      let failed = 0;
      const tried = await forEachPosition(fault, async (plan, nth) => {
        if ((await stageWith(fault, plan, nth)) === 'failed') failed++;
      });
      t.diagnostic(`${tried} runs, ${failed} of them ended in an error`);
    });
  }
});

describe('restore, with a fault at one request after the other', () => {
  let objects: ReadonlyMap<string, Uint8Array> = new Map();
  before(async () => {
    const staged = new MemoryDriver({ objects: base });
    await stageSource(await open(staged));
    objects = staged.contents();
  });

  for (const fault of faults) {
    it(`${fault.name}: no other contents pass for success, and the next restore completes`, async (t) => {
      let [failed, partial] = [0, 0];
      const tried = await forEachPosition(fault, async (plan) => {
        const { inner, trace, driver } = faulty(plan, objects);
        const outcome = await outcomeOf(async () => restoreNewest(await open(driver)));
        if ('error' in outcome) failed++;
        else if (outcome.result.isPartial) partial++;
        // A listing that leaves snapshots out makes an older one the newest, which then comes back.
        else if (!earlier.includes(outcome.result.snapshotId))
          assert.deepEqual(compareTrees(source, target), []);
        assertWriteOrder(trace, { masterKey, initial: objects });
        await assertRestored(inner);
      });
      t.diagnostic(`${tried} runs, ${failed} of them ended in an error, ${partial} were partial`);
    });
  }
});

/** Fires the signal when the nth request is made; that request is never answered, unless it is a deletion. */
function abortAt(nth: number, controller: AbortController): FaultPlan {
  let [seen, fired] = [0, 0];
  return {
    get fired() {
      return fired;
    },
    choose({ kind }) {
      if (++seen !== nth) return undefined;
      fired++;
      setImmediate(() => controller.abort());
      return kind === 'delete' ? undefined : { kind: 'stall' };
    },
  };
}

describe('a signal that fires at one request after the other', () => {
  for (const pass of [stageSource, restoreNewest]) {
    it(`ends ${pass.name} and leaves neither a lock nor an incomplete snapshot`, async () => {
      for (let nth = randomInt(1, STRIDE + 1); ; nth += STRIDE) {
        const controller = new AbortController();
        const plan = abortAt(nth, controller);
        const { inner, trace, driver } = faulty(plan);
        const { signal } = controller;
        const outcome = await outcomeOf(async () => pass(await open(driver, signal), signal));
        if ('error' in outcome) assert.ok(outcome.error instanceof CancelledError, String(outcome.error));
        await assertSound(inner);
        assertWriteOrder(trace, { masterKey, initial: base });
        const locks = [...inner.contents().keys()].filter((key) => key.startsWith('locks/'));
        assert.deepEqual(locks, [], `request ${nth}`);
        removeTree(target);
        if (plan.fired === 0) break;
      }
    });
  }
});

describe('transient failures', () => {
  for (const kind of ['fail-before', 'fail-after'] as const) {
    it(`a single one (${kind}) is retried, whatever it hits`, async () => {
      await forEachPosition({ name: kind, rule: { action: { kind } } }, async (plan) => {
        const { inner, trace, driver } = faulty(plan);
        const retrying = withRetry(driver, { clock: new InstantClock() });
        const { snapshotId, isPartial } = await stageSource(await open(retrying));
        assert.equal(isPartial, false);
        assert.ok((await assertSound(inner)).includes(snapshotId ?? ''));
        assertWriteOrder(trace, { masterKey, initial: base });
        const locks = [...inner.contents().keys()].filter((key) => key.startsWith('locks/'));
        assert.deepEqual(locks, []);
      });
    });
  }

  it('a store that fails every third request is moved through', async (t) => {
    await forEachSeed(t, scaled(3, 50), async (seed) => {
      const { inner, driver } = faulty(seededFaults(seed, 1 / 3));
      const retrying = withRetry(driver, { clock: new InstantClock() });
      const { snapshotId, isPartial } = await stageSource(await open(retrying));
      assert.equal(isPartial, false);
      assert.ok((await assertSound(inner)).includes(snapshotId ?? ''));
      const restored = await restoreNewest(await open(retrying));
      assert.equal(restored.isPartial, false);
      assert.deepEqual(compareTrees(source, target), []);
      removeTree(target);
    });
  });
});
