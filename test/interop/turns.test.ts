import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { verify } from '../../src/copy/verify.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { listSnapshots } from '../../src/repository/snapshots.ts';
import { peerSuite } from '../support/peers.ts';
import { initQuickly, openQuickly } from '../support/quick-repository.ts';
import { PEER_PASSWORD, Restic, Rustic, runCommand } from '../support/restic.ts';
import { createRandom, forEachSeed, scaled } from '../support/seed.ts';
import type { Random } from '../support/seed.ts';
import { compareTrees } from '../support/tree-compare.ts';
import { removeTree, temporaryFolder } from '../support/temporary-folder.ts';
import { weakenKeys } from '../support/weak-key.ts';
import { makeForest, mutateForest } from './forest.ts';
import { checkWell, restoreWell, stageWell } from './own-pass.ts';
import { lostAspects } from './peer-limits.ts';
import type { Program } from './peer-limits.ts';
import { openPeer } from './peer-program.ts';
import type { PeerProgram } from './peer-program.ts';

const programs = ['restic-oldest', 'restic-newest', 'rustic'] as const;
type PeerOfTurns = (typeof programs)[number];

const treesInForest = 2;
/** Snapshots that are kept; beyond it every other step forgets one. */
const mostSnapshots = 6;

interface Kept {
  id: string;
  readonly writer: Program;
  /** The source as it was. */
  readonly copy: string;
}

/** One repository, a source that changes, and what every snapshot must give back. */
class Turns {
  readonly log: string[] = [];
  readonly #random: Random;
  readonly #folder: string;
  readonly #source: string;
  readonly #repository: Repository;
  readonly #peers: Readonly<Record<PeerOfTurns, PeerProgram>>;
  readonly #restics: readonly [Restic, Restic];
  readonly #rustic: Rustic;
  #kept: Kept[] = [];
  #steps = 0;

  constructor(
    seed: number,
    folder: string,
    repository: Repository,
    binaries: Readonly<Record<PeerOfTurns, string>>,
  ) {
    const location = join(folder, 'repository');
    this.#random = createRandom(seed);
    this.#folder = folder;
    this.#source = join(folder, 'source');
    this.#repository = repository;
    this.#peers = {
      'restic-oldest': openPeer('restic-oldest', binaries['restic-oldest'], location),
      'restic-newest': openPeer('restic-newest', binaries['restic-newest'], location),
      rustic: openPeer('rustic', binaries.rustic, location),
    };
    this.#restics = [
      new Restic({ binary: binaries['restic-oldest'], repository: location }),
      new Restic({ binary: binaries['restic-newest'], repository: location }),
    ];
    this.#rustic = new Rustic({ binary: binaries.rustic, repository: location });
    makeForest(this.#source, seed, treesInForest);
  }

  async step(): Promise<void> {
    this.#steps++;
    const roll = this.#random.below(100);
    if (this.#kept.length === 0 || roll < 35) await this.#backUp();
    else if (this.#kept.length > mostSnapshots || roll < 48) await this.#forgetAndPrune();
    else if (roll < 72) await this.#restore();
    else if (roll < 86) await this.#check();
    else if (roll < 91) await this.#tag();
    else if (roll < 95) await this.#pruneByRustic();
    else await this.#unlock();
    const { snapshots } = await listSnapshots(this.#repository);
    assert.deepEqual(snapshots.map(({ id }) => id).sort(), this.#kept.map(({ id }) => id).sort());
  }

  /** Every snapshot by every program that can, and every check. */
  async finish(): Promise<void> {
    await checkWell(this.#repository);
    for (const name of programs) await this.#peers[name].check();
    for (const kept of this.#kept) await this.#restoreBy('tranship', kept);
  }

  async #backUp(): Promise<void> {
    mutateForest(this.#source, this.#random.next(), treesInForest);
    // rustic complains of folders that are not there yet: our stores make them with the first file.
    const writer = this.#steps === 1 ? 'tranship' : this.#pickProgram();
    const force = this.#random.chance(0.3);
    this.log.push(`back up by ${writer}${force ? ', everything read' : ''}`);
    const { snapshotId } =
      writer === 'tranship'
        ? await stageWell(this.#repository, { paths: [this.#source], force })
        : await this.#peers[writer].backup(this.#source, { force });
    const copy = join(this.#folder, `copy-${this.#steps}`);
    await runCommand('cp', ['--archive', '--sparse=always', this.#source, copy]);
    this.#kept.push({ id: snapshotId, writer, copy });
  }

  async #restore(): Promise<void> {
    const reader = this.#pickProgram();
    await this.#restoreBy(reader, this.#pickKept());
  }

  async #restoreBy(reader: Program, kept: Kept): Promise<void> {
    this.log.push(`restore ${kept.id} of ${kept.writer} by ${reader}`);
    const target = join(this.#folder, 'target');
    let restored = target;
    if (reader === 'tranship') {
      const snapshot = `${kept.id}:${this.#source}`;
      await restoreWell(this.#repository, { snapshot, target });
      const { isEqual } = await verify(this.#repository, { snapshot, target, workers: 1, extras: false });
      assert.ok(isEqual || kept.writer === 'rustic', 'verify finds a difference to what was just restored');
    } else restored = await this.#peers[reader].restore(kept.id, this.#source, target);
    // `cp` makes holes where the source has zeros.
    const ignore = [...lostAspects(kept.copy, [kept.writer, reader]), 'allocation' as const];
    assert.deepEqual(compareTrees(kept.copy, restored, { ignore }), []);
    removeTree(target);
  }

  async #check(): Promise<void> {
    const reader = this.#pickProgram();
    this.log.push(`check by ${reader}`);
    if (reader === 'tranship') await checkWell(this.#repository);
    else await this.#peers[reader].check();
  }

  async #forgetAndPrune(): Promise<void> {
    const kept = this.#pickKept();
    const args = ['forget', kept.id, '--prune', ...(this.#random.chance(0.5) ? ['--max-unused', '0'] : [])];
    this.log.push(`restic ${args.join(' ')}`);
    await this.#random.pick(this.#restics).run(args);
    this.#kept = this.#kept.filter((other) => other !== kept);
    removeTree(kept.copy);
  }

  /** It marks packs, which restic then takes for orphans, and deletes them a day later only. */
  async #pruneByRustic(): Promise<void> {
    this.log.push('rustic prune');
    await this.#rustic.run(['prune', '--max-repack', 'unlimited', '--max-unused', '0']);
  }

  /** Another tag makes another snapshot of the same tree. */
  async #tag(): Promise<void> {
    const kept = this.#pickKept();
    const tag = `step-${this.#steps}`;
    this.log.push(`restic tag --add ${tag} ${kept.id}`);
    const restic = this.#random.pick(this.#restics);
    await restic.run(['tag', '--add', tag, kept.id]);
    const { snapshots } = await listSnapshots(this.#repository, { tags: [[tag]] });
    const [snapshot, ...others] = snapshots;
    assert.ok(snapshot !== undefined && others.length === 0);
    kept.id = snapshot.id;
  }

  async #unlock(): Promise<void> {
    this.log.push('restic unlock');
    await this.#random.pick(this.#restics).run(['unlock']);
  }

  #pickProgram(): Program {
    if (this.#random.chance(0.1)) return 'rustic';
    return this.#random.pick(['tranship', 'tranship', 'restic-oldest', 'restic-newest']);
  }

  #pickKept(): Kept {
    const [first, ...others] = this.#kept;
    assert.ok(first !== undefined);
    return this.#random.pick([first, ...others]);
  }
}

async function createRepository(location: string, seed: number, restic: Restic): Promise<Repository> {
  if (seed % 2 === 0) return initQuickly(location, { chunker: seed % 4 === 0 ? 'fastcdc' : 'rabin' });
  await restic.init();
  await weakenKeys(location, PEER_PASSWORD);
  return openQuickly(location);
}

peerSuite(programs, 'restic, rustic and tranship in turns on one repository', (binaries) => {
  const steps = scaled(20, 200);

  it('keep every snapshot whole through random steps', async (t: TestContext) => {
    await forEachSeed(t, 1, async (seed) => {
      const folder = temporaryFolder(t);
      const location = join(folder, 'repository');
      const restic = new Restic({ binary: binaries['restic-oldest'], repository: location });
      const repository = await createRepository(location, seed, restic);
      const turns = new Turns(seed, folder, repository, binaries);
      try {
        for (let step = 0; step < steps; step++) await turns.step();
        await turns.finish();
      } catch (error) {
        t.diagnostic(`steps:\n${turns.log.join('\n')}`);
        throw error;
      }
      await repository.store.close();
      removeTree(folder);
    });
  });
});
