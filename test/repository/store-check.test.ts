import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { intercept } from '../../src/providers/objects/intercept.ts';
import type { Operation, OperationKind } from '../../src/providers/objects/intercept.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { checkStore } from '../../src/repository/store-check.ts';
import type { StoreReport } from '../../src/repository/store-check.ts';
import { ManualClock } from '../support/manual-clock.ts';

type Rule = (kind: OperationKind, key: string) => boolean;

/** Refuses what the rule does not allow, as a policy does. */
function allowing(memory: ObjectDriver, rule: Rule): ObjectDriver {
  const refusal = ({ kind, key }: Operation): StoreError | undefined =>
    rule(kind, key)
      ? undefined
      : new StoreError('permission-denied', 'the server refused access', { where: key });
  return intercept(memory, {
    run: async (operation, work) => {
      const error = refusal(operation);
      if (error !== undefined) throw error;
      return work();
    },
    stream: async function* (operation, open) {
      const error = refusal(operation);
      if (error !== undefined) throw error;
      yield* open();
    },
  });
}

async function keysOf(memory: MemoryDriver): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of memory.list('', {})) keys.push(key);
  return keys;
}

const reads: readonly OperationKind[] = ['get', 'head', 'list'];
const featuresOf = ({ features }: StoreReport): Record<string, string> =>
  Object.fromEntries(features.map(({ feature, outcome }) => [feature, outcome]));
const missingOf = ({ missing }: StoreReport): string[] =>
  missing.stage.map(({ right, places }) => `${right} ${places.join(' ')}`);

const isDelete = (kind: OperationKind): boolean => kind.startsWith('delete');

/** Keeps what it was given, as retentions and holds do; that something missing is deleted succeeds. */
function keeping(memory: MemoryDriver, keeps: (key: string) => boolean): ObjectDriver {
  return allowing(memory, (kind, key) => !isDelete(kind) || !keeps(key) || !memory.contents().has(key));
}

/** Its parts are objects, which aborting an upload deletes. */
function withPartObjects(memory: MemoryDriver, rule: Rule): ObjectDriver {
  const driver = {
    ...intercept(memory, { run: (_, work) => work(), stream: (_, open) => open() }),
    capabilities: { ...memory.capabilities, partsLeaveNothing: false },
    createMultipart: async (key: string) => ({
      putPart: (part: number, body: Uint8Array) => memory.put(`${key}-tmp-${part}-tmp-part`, body, {}),
      complete: () => memory.put(key, Buffer.from('sixteen bytes :)'), {}),
      abort: () => memory.delete(`${key}-tmp-1-tmp-part`, {}),
    }),
  };
  return allowing(driver, rule);
}

describe('the check of a store', () => {
  it('finds all well where all is allowed, and leaves nothing', async () => {
    const memory = new MemoryDriver();
    const report = await checkStore(memory);
    assert.deepEqual(report.can, { stage: true, restore: true, prune: true });
    assert.ok(report.rights.every(({ outcome }) => outcome === 'works'));
    assert.deepEqual(missingOf(report), []);
    assert.ok(Math.abs(report.clockSkewMs ?? Infinity) <= 1000);
    assert.deepEqual(featuresOf(report), {
      range: 'works',
      'create-only': 'works',
      multipart: 'works',
      checksum: 'unknown',
    });
    assert.deepEqual(await keysOf(memory), []);
  });

  it('leaves nothing where nothing may be deleted but locks', async () => {
    const memory = new MemoryDriver();
    const report = await checkStore(
      allowing(memory, (kind, key) => !kind.startsWith('delete') || key.startsWith('locks/')),
    );
    assert.deepEqual(report.can, { stage: true, restore: true, prune: false });
    assert.deepEqual(await keysOf(memory), []);
  });

  it('takes no upload for allowed that was only begun', async () => {
    const driver = allowing(
      new MemoryDriver(),
      (kind) => reads.includes(kind) || /create-multi|abort/.test(kind),
    );
    const { rights } = await checkStore(driver);
    const written = rights.filter(({ right }) => right === 'write');
    assert.ok(written.length > 0 && written.every(({ outcome }) => outcome === 'refused'));
  });

  it('judges a store that can only be read for a restore, and names what a stage pass lacks', async () => {
    const memory = new MemoryDriver();
    await memory.put('config', Buffer.from('sealed'), {});
    const report = await checkStore(allowing(memory, (kind) => reads.includes(kind)));
    assert.deepEqual(report.can, { stage: false, restore: true, prune: false });
    assert.deepEqual(missingOf(report), ['write data/ index/ snapshots/ locks/', 'delete locks/']);
    assert.equal(featuresOf(report)['range'], 'works');
    assert.equal(report.clockSkewMs, undefined);
    assert.deepEqual(await keysOf(memory), ['config']);
  });

  it('names the one folder in which a right is missing', async () => {
    const driver = allowing(new MemoryDriver(), (kind, key) => kind !== 'list' || !key.startsWith('index/'));
    const report = await checkStore(driver);
    assert.deepEqual(missingOf(report), ['list index/']);
    assert.deepEqual(report.can, { stage: false, restore: false, prune: false });
  });

  it('sweeps what a check that was killed has left, but not what another one may still use', async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    const memory = new MemoryDriver({ clock });
    await memory.put('data/00/tranship-check-0000000000000000', Buffer.from('old'), {});
    await clock.advance(2 * 3_600_000);
    await memory.put('locks/tranship-check-1111111111111111', Buffer.from('young'), {});
    await memory.put('snapshots/of-somebody', Buffer.from('kept'), {});
    const report = await checkStore(memory, { clock });
    assert.deepEqual(report.swept, ['data/00/tranship-check-0000000000000000']);
    assert.deepEqual(await keysOf(memory), [
      'locks/tranship-check-1111111111111111',
      'snapshots/of-somebody',
    ]);
  });

  it('tells by how much the clock of the store differs', async () => {
    const ahead = new ManualClock(Date.UTC(2026, 0, 1, 0, 10));
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    assert.equal((await checkStore(new MemoryDriver({ clock: ahead }), { clock })).clockSkewMs, 600_000);
  });

  it('notices a store that replaces what must not be replaced, and one that ignores ranges', async () => {
    const memory = new MemoryDriver();
    const lax: ObjectDriver = {
      ...intercept(memory, { run: (_, work) => work(), stream: (_, open) => open() }),
      put: (key, body, options) => memory.put(key, body, { ...options, mode: 'overwrite' }),
      get: (key, { signal }) => memory.get(key, { signal }),
    };
    const report = await checkStore(lax);
    assert.equal(featuresOf(report)['create-only'], 'failed');
    assert.equal(featuresOf(report)['range'], 'failed');
    assert.deepEqual(report.can, { stage: false, restore: false, prune: false });
    assert.deepEqual(await keysOf(memory), []);
  });

  it('leaves no part where parts are objects, and says that it cannot tell whether writing is allowed', async () => {
    const memory = new MemoryDriver();
    const driver = withPartObjects(memory, (kind, key) => {
      return (!isDelete(kind) && kind !== 'abort-multipart') || key.startsWith('locks/');
    });
    const report = await checkStore(driver);
    const written = report.rights.filter(({ right }) => right === 'write');
    assert.deepEqual(
      written.map(({ place, outcome }) => [place, outcome]),
      [
        ['locks/', 'works'],
        ['keys/', 'unknown'],
        ['data/', 'unknown'],
        ['index/', 'unknown'],
        ['snapshots/', 'unknown'],
      ],
    );
    assert.deepEqual(report.can, { stage: undefined, restore: true, prune: false });
    assert.deepEqual(missingOf(report), []);
    const isLock = (key: string): boolean => key.startsWith('locks/');
    assert.deepEqual(
      (await keysOf(memory)).filter((key) => !isLock(key)),
      [],
    );
  });

  it('tells that writing is allowed also where an upload could not be taken back, and names the upload', async () => {
    const driver = allowing(
      new MemoryDriver(),
      (kind, key) => (!isDelete(kind) && kind !== 'abort-multipart') || key.startsWith('locks/'),
    );
    const { rights, left } = await checkStore(driver);
    const written = rights.filter(({ right }) => right === 'write');
    assert.ok(written.every(({ outcome }) => outcome === 'works'));
    assert.deepEqual(
      left.map((key) => key.replace(/[0-9a-f]{16}$/, 'ID')),
      ['keys/', 'data/00/', 'index/', 'snapshots/'].map((place) => `${place}tranship-check-ID`),
    );
  });

  it('takes no failure of another kind for a checksum that was compared', async () => {
    const memory = new MemoryDriver();
    const comparing = (fault: StoreError | undefined): ObjectDriver => ({
      ...intercept(memory, { run: (_, work) => work(), stream: (_, open) => open() }),
      capabilities: { ...memory.capabilities, comparesSha256: true },
      put: async (key, body, options) => {
        if (options.sha256 !== undefined && fault !== undefined) throw fault;
        return memory.put(key, body, options);
      },
    });
    const checksumWith = async (fault?: StoreError): Promise<string | undefined> =>
      featuresOf(await checkStore(comparing(fault)))['checksum'];
    assert.equal(await checksumWith(new StoreError('corrupt', 'other bytes arrived')), 'works');
    assert.equal(await checksumWith(new StoreError('io', 'the disk is broken')), 'failed');
    assert.equal(await checksumWith(), 'failed');
    assert.deepEqual(await keysOf(memory), []);
  });

  it('finds in a store that keeps objects that nothing can be deleted, leaves one of them and names it', async () => {
    const memory = new MemoryDriver();
    const report = await checkStore(keeping(memory, () => true));
    const [kept, ...more] = await keysOf(memory);
    assert.match(kept ?? '', /^locks\/tranship-check-/);
    assert.deepEqual([more, report.left], [[], [kept]]);
    assert.deepEqual(report.can, { stage: false, restore: true, prune: false });
    assert.deepEqual(missingOf(report), ['delete locks/']);
  });

  it('puts one object and no more where all but locks is kept', async () => {
    const memory = new MemoryDriver();
    const report = await checkStore(keeping(memory, (key) => !key.startsWith('locks/')));
    assert.deepEqual(await keysOf(memory), report.left);
    assert.match(report.left.join(' '), /^keys\/tranship-check-\w+$/);
    assert.deepEqual(report.can, { stage: true, restore: true, prune: false });
  });

  it('does not take a missing object that is refused for one that may not be read', async () => {
    const memory = new MemoryDriver();
    await memory.put('config', Buffer.from('sealed'), {});
    await memory.put('index/of-somebody', Buffer.from('sealed'), {});
    // As Amazon answers where listing is allowed below some prefixes only.
    const driver = allowing(memory, (kind, key) => {
      if (isDelete(kind)) return key.startsWith('locks/');
      return kind !== 'get' || memory.contents().has(key);
    });
    const report = await checkStore(driver);
    const read = report.rights.filter(({ right }) => right === 'read');
    assert.deepEqual(
      read.map(({ place, outcome }) => [place, outcome]),
      [
        ['locks/', 'works'],
        ['config', 'works'],
        ['keys/', 'unknown'],
        ['data/', 'unknown'],
        ['index/', 'works'],
        ['snapshots/', 'unknown'],
      ],
    );
    assert.deepEqual([report.can.stage, missingOf(report)], [undefined, []]);
  });

  it('sweeps nothing of somebody whose names begin as its own', async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 1));
    const memory = new MemoryDriver({ clock });
    const [id, small] = ['0123456789abcdef', Buffer.from('small')];
    const others: readonly (readonly [string, Buffer])[] = [
      [`keys/tranship-check-${id}/below`, small],
      [`keys/tranship-check-${id}0`, small],
      ['keys/tranship-check-notes', small],
      [`keys/tranship-check-${id}`, Buffer.alloc(17)],
    ];
    for (const [key, bytes] of others) await memory.put(key, bytes, {});
    await clock.advance(2 * 3_600_000);
    assert.deepEqual((await checkStore(memory, { clock })).swept, []);
    assert.deepEqual((await keysOf(memory)).toSorted(), others.map(([key]) => key).toSorted());
  });

  it('sweeps nothing that is old only by a clock that is behind, or where no clock is known', async () => {
    const server = new ManualClock(Date.UTC(2026, 0, 1));
    const memory = new MemoryDriver({ clock: server });
    const key = 'index/tranship-check-0123456789abcdef';
    await memory.put(key, Buffer.from('young'), {});
    const ours = new ManualClock(Date.UTC(2026, 0, 1, 3));
    assert.deepEqual((await checkStore(memory, { clock: ours })).swept, []);
    const noLocks = allowing(memory, (kind, name) => kind !== 'put' || !name.startsWith('locks/'));
    assert.deepEqual((await checkStore(noLocks, { clock: ours })).swept, []);
    await server.advance(2 * 3_600_000);
    assert.deepEqual((await checkStore(memory, { clock: ours })).swept, [key]);
  });

  it('deletes at once and within one limit what a check that was cancelled has put, and nothing twice', async () => {
    const memory = new MemoryDriver();
    const controller = new AbortController();
    const deleted: string[] = [];
    const inFlight: (() => void)[] = [];
    const signals = new Set<AbortSignal | undefined>();
    const plain = allowing(memory, (kind) => {
      if (kind === 'complete-multipart') controller.abort();
      return true;
    });
    const driver: ObjectDriver = {
      ...plain,
      delete: async (key, options) => {
        if (memory.contents().has(key)) deleted.push(key);
        if (controller.signal.aborted) {
          signals.add(options.signal);
          // None ends before all are there.
          await new Promise<void>((resolve) => {
            inFlight.push(resolve);
            if (inFlight.length === 2) for (const end of inFlight) end();
          });
        }
        await memory.delete(key, options);
      },
    };
    await assert.rejects(checkStore(driver, { signal: controller.signal }), { code: 'cancelled' });
    assert.equal(inFlight.length, 2);
    assert.ok(signals.size === 1 && !signals.has(undefined) && !signals.has(controller.signal));
    assert.equal(new Set(deleted).size, deleted.length);
    assert.deepEqual(await keysOf(memory), []);
  });

  it('names what a check that was cancelled could not delete', async () => {
    const controller = new AbortController();
    const driver = allowing(new MemoryDriver(), (kind, key) => {
      if (kind === 'get' && key.startsWith('index/')) controller.abort();
      return !isDelete(kind) || !controller.signal.aborted;
    });
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (line: string) => warnings.push(line) };
    await assert.rejects(checkStore(driver, { logger, signal: controller.signal }), { code: 'cancelled' });
    assert.match(warnings.join('\n'), /^cannot be removed: index\/tranship-check-\w{16}$/);
  });

  it('rejects where there is nothing to ask, and removes what it has put when it is cancelled', async () => {
    const gone = allowing(new MemoryDriver(), () => true);
    const list = async function* () {
      yield* [];
      throw new StoreError('no-bucket', 'the bucket does not exist');
    };
    await assert.rejects(checkStore({ ...gone, list }), { code: 'no-bucket' });
    const memory = new MemoryDriver();
    const controller = new AbortController();
    const driver = allowing(memory, (kind, key) => {
      if (kind === 'get' && key.startsWith('index/')) controller.abort();
      return true;
    });
    await assert.rejects(checkStore(driver, { signal: controller.signal }), { code: 'cancelled' });
    assert.deepEqual(await keysOf(memory), []);
  });
});
