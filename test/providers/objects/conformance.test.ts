import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  checkConformance,
  conformanceCases,
  runConformanceCase,
} from '../../../src/providers/objects/conformance.ts';
import type { ObjectDriver } from '../../../src/providers/objects/driver.ts';
import { withLimit } from '../../../src/providers/objects/limit.ts';
import { LocalDriver } from '../../../src/providers/objects/local/driver.ts';
import { MemoryDriver } from '../../../src/providers/objects/memory/driver.ts';
import { withObserver } from '../../../src/providers/objects/observe.ts';
import { withPrefix } from '../../../src/providers/objects/prefix.ts';
import { withRetry } from '../../../src/providers/objects/retry.ts';
import { faultRules, seededFaults, withFaults } from '../../support/providers/fault.ts';
import { InstantClock } from '../../support/providers/instant-clock.ts';
import { Trace, withTrace } from '../../support/providers/trace.ts';

const seed = Number(process.env.TRANSHIP_SEED ?? 20260101);
const quick = { clock: new InstantClock(), budgetMs: Infinity };

type Stack = readonly [
  name: string,
  decorate: (driver: ObjectDriver) => ObjectDriver,
  isApart?: (caseName: string) => boolean,
];

const stacks: readonly Stack[] = [
  ['bare', (driver) => driver],
  ['limit and retry, as openStore does', (driver) => withRetry(withLimit(driver))],
  ['one connection', (driver) => withLimit(driver, { connections: 1 })],
  ['prefix of a prefix', (driver) => withPrefix(withPrefix(driver, 'clusters/east'), 'pvc-1')],
  [
    'every decorator',
    (driver) =>
      withTrace(
        withPrefix(withRetry(withObserver(withLimit(driver), { observer: () => {} })), 'below'),
        new Trace({ keepBytes: false }),
      ),
  ],
  [
    `retry over a store that fails before and after, TRANSHIP_SEED=${seed}`,
    (driver) => withRetry(withFaults(driver, seededFaults(seed, 0.15)), quick),
    // A get that goes on after a break may mix versions; withRetry says so.
    (caseName) => caseName === 'a reader sees one version while others are written',
  ],
];

/** No service here refuses small parts, and the whole suite runs many times. */
const partSizeBytes = 300_000;

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tranship-conformance-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const drivers: readonly (readonly [name: string, make: (index: number) => ObjectDriver])[] = [
  ['memory', () => new MemoryDriver()],
  ['local', (index) => new LocalDriver(join(folder, String(index)))],
];

for (const [driverName, makeDriver] of drivers) {
  for (const [index, [stackName, decorate, isApart = () => false]] of stacks.entries()) {
    describe(`${driverName}, ${stackName}`, () => {
      // Every fsync of a thousand small puts would make this the slowest test of all; one stack pays for the page edge.
      const manyObjects = driverName === 'memory' || index === 0 ? 1100 : 150;
      for (const testCase of conformanceCases.filter((each) => !isApart(each.name))) {
        test(testCase.name, async () => {
          const result = await runConformanceCase(testCase, decorate(makeDriver(index)), {
            manyObjects,
            partSizeBytes,
          });
          assert.equal(result.outcome, 'passed', result.reason);
        });
      }
    });
  }
}

test('the check says what a store breaks, and leaves nothing in it', async () => {
  const memory = new MemoryDriver();
  const omitting = faultRules({
    on: 'list',
    times: Infinity,
    action: { kind: 'omit', omits: (key) => key.endsWith('b') },
  });
  const failed: string[] = [];
  for await (const result of checkConformance(withFaults(memory, omitting), {
    manyObjects: 10,
    partSizeBytes,
  })) {
    if (result.outcome === 'failed') failed.push(result.name);
  }
  assert.ok(failed.includes('a listing has the keys that start with the prefix'));
  assert.ok(failed.includes('keys around the delimiter come in byte order'));
  assert.ok(!failed.includes('what is put is what is got'));
});

test('the check of a sound store leaves nothing behind', async () => {
  const memory = new MemoryDriver({ objects: [['config', Buffer.from('mine')]] });
  for await (const result of checkConformance(memory, { manyObjects: 10, partSizeBytes })) {
    assert.equal(result.outcome, 'passed', `${result.name}: ${result.reason}`);
  }
  assert.deepEqual([...memory.contents().keys()], ['config']);
});

test('cases that need an atomic create are not applied to a store that has none', async () => {
  const memory = new MemoryDriver();
  const driver: ObjectDriver = {
    ...withLimit(memory),
    capabilities: { ...memory.capabilities, atomicCreate: false },
  };
  const outcomes = new Set<string>();
  for await (const result of checkConformance(driver, { manyObjects: 10, partSizeBytes }))
    outcomes.add(result.outcome);
  assert.deepEqual([...outcomes].sort(), ['not applicable', 'passed']);
});

test('each fault that loses or damages bytes is noticed by some case', async () => {
  const faults = [
    { on: 'put', action: { kind: 'drop' } },
    { on: 'delete', action: { kind: 'drop' } },
    { on: 'put', action: { kind: 'truncate', sizeBytes: 3 } },
    { on: 'put', action: { kind: 'flip', offset: 2 } },
    { on: 'get', action: { kind: 'flip', offset: 0, bit: 7 } },
    { on: 'get', action: { kind: 'truncate', sizeBytes: 9 } },
    { on: 'get', action: { kind: 'fail-before' } },
  ] as const;
  for (const fault of faults) {
    const driver = withFaults(new MemoryDriver(), faultRules({ ...fault, times: Infinity }));
    let failures = 0;
    for (const testCase of conformanceCases.filter((each) => !each.name.includes('while'))) {
      const result = await runConformanceCase(testCase, driver, { manyObjects: 5, partSizeBytes });
      if (result.outcome === 'failed') failures += 1;
    }
    assert.ok(failures > 0, `no case noticed ${fault.action.kind} on ${fault.on}`);
  }
});
