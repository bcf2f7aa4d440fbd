/** Run by pass-process.ts: one pass in a process of its own, as its last argument says. */
import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { setTimeout as delay } from 'node:timers/promises';
import { restore } from '../../src/copy/restore.ts';
import { stage } from '../../src/copy/stage.ts';
import type { ObjectDriver } from '../../src/providers/objects/driver.ts';
import { intercept } from '../../src/providers/objects/intercept.ts';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { packSizeBytes } from '../../src/repository/pack-builder.ts';
import { Repository } from '../../src/repository/repository.ts';
import { hastyClock } from './hasty-clock.ts';
import type { PassRequest, Recording, RecordRequest } from './pass-process.ts';
import { Trace, withTrace } from './providers/trace.ts';
import { makeRandomTree, mutateTree } from './random-tree.ts';
import { PEER_PASSWORD } from './restic.ts';
import { createRandom } from './seed.ts';
import type { Random } from './seed.ts';
import { weakScrypt } from './weak-key.ts';

/** Its clock makes ten minutes, after which an index is written in mid-pass, of 20 ms. */
const FAST = 30_000;

const request = JSON.parse(process.argv.at(-1) ?? '') as PassRequest;
if (request.kind === 'record') await record(request);
else await run(request);

async function run(pass: Exclude<PassRequest, { kind: 'record' }>): Promise<void> {
  const store = await openStore(pass.repository, { settings: pass.settings });
  const repository = await Repository.open(store, { password: PEER_PASSWORD });
  process.stdout.write('begun\n');
  if (pass.kind === 'stage') {
    const { source, storeAs } = pass;
    const options = { paths: [source], storeAs, packSizeBytes: packSizeBytes.minimum };
    const result = await stage(repository, options);
    process.stdout.write(`done ${result.snapshotId ?? ''}\n`);
  } else {
    const { snapshot, target, overwrite } = pass;
    const result = await restore(repository, { snapshot, target, overwrite, delete: true });
    process.stdout.write(`done ${result.snapshotId}\n`);
  }
  await store.close();
}

/** Stages a tree that changes in between several times, into memory, and leaves a {@link Recording}. */
async function record({ folder, seed, passes }: RecordRequest): Promise<void> {
  const random = createRandom(seed);
  const driver = new MemoryDriver();
  await Repository.init(new ObjectStore(driver), { password: PEER_PASSWORD, scryptCost: weakScrypt });
  const initial = driver.contents();
  const trace = new Trace();
  const store = new ObjectStore(withTrace(withDelays(driver, random), trace));
  const source = join(folder, 'source');
  const copies: string[] = [];
  for (let pass = 0; pass < passes; pass++) {
    if (pass === 0) makeRandomTree(source, seed, { largeFiles: 4, sockets: false });
    else changeTree(source, random, pass);
    const clock = hastyClock(random.pick([1, FAST]));
    const repository = await Repository.open(store, { password: PEER_PASSWORD, clock });
    const { snapshotId, isPartial } = await stage(repository, {
      paths: [source],
      storeAs: '/v',
      packSizeBytes: packSizeBytes.minimum,
      workers: random.between(1, 2),
    });
    if (snapshotId === undefined || isPartial) throw new Error('a recorded pass was not complete');
    const copy = join(folder, snapshotId);
    await mkdir(copy);
    // Beside the trace: what the snapshot must look like whatever happens later.
    const beside = await Repository.open(new ObjectStore(driver), { password: PEER_PASSWORD });
    await restore(beside, { snapshot: `${snapshotId}:/v`, target: copy, noLock: true });
    copies.push(snapshotId);
  }
  const recording: Recording = { entries: trace.entries, initial, snapshots: copies, source };
  writeFileSync(join(folder, 'recording'), serialize(recording));
}

function changeTree(source: string, random: Random, pass: number): void {
  mutateTree(source, random.next());
  // Several packs' worth in one pass, little or nothing in others.
  const sizeBytes = pass === 1 ? 13_000_000 : random.pick([0, 100_000, 5_000_000]);
  for (let part = 0; part * 1_500_000 < sizeBytes; part++) {
    writeFileSync(join(source, `new-${pass}-${part}`), random.bytes(Math.min(sizeBytes, 1_500_000)));
  }
}

/**
 * Requests take some time, and puts of packs now and then as long as it takes to fill the next, so that they overlap.
 */
function withDelays(driver: ObjectDriver, random: Random): ObjectDriver {
  return intercept(driver, {
    run: async ({ key }, work) => {
      await delay(random.below(key.startsWith('data/') ? random.pick([3, 150]) : 3));
      return work();
    },
    stream: (_operation, open) => open(),
  });
}
