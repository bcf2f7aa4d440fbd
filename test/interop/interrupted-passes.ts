/** Passes that are cancelled and killed, over any service. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { CancelledError } from '../../src/base/errors.ts';
import { stage } from '../../src/copy/stage.ts';
import type { StoreSettings } from '../../src/providers/objects/settings.ts';
import { packSizeBytes } from '../../src/repository/pack-builder.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { runPass } from '../support/pass-process.ts';
import { createRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { assertRestores, checkWell, stageWell } from './own-pass.ts';

/** An empty repository, open here and to be opened by other processes. */
export interface SharedRepository {
  readonly repository: Repository;
  readonly location: string;
  readonly settings?: StoreSettings | undefined;
}

export interface KillOptions {
  /** Decides what is staged and when it is killed. */
  readonly seed: number;
  /** Passes that must be killed before their end. */
  readonly kills: number;
  /** Looks at what a killed pass has left. */
  readonly afterKill?: () => Promise<void>;
}

/** Cancels stage passes early, half-way and late; closes nothing. */
export async function assertCancelsHinderNothing(
  t: TestContext,
  repository: Repository,
  afterCancel: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const folder = temporaryFolder(t);
  const source = join(folder, 'source');
  fill(source, 11, 40);
  for (const files of [1, 10, 25]) {
    const controller = new AbortController();
    let seen = 0;
    const staging = stage(repository, {
      paths: [source],
      storeAs: '/v',
      packSizeBytes: packSizeBytes.minimum,
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'item' && ++seen === files) controller.abort();
      },
    });
    await assert.rejects(staging, CancelledError);
    await afterCancel();
    assert.deepEqual(await repository.listIds('locks'), []);
    assert.deepEqual(await repository.listIds('snapshots'), []);
  }
  const { snapshotId } = await stageWell(repository, { paths: [source], storeAs: '/v' });
  await assertRestores(repository, `${snapshotId}:/v`, source, join(folder, 'target'));
  await checkWell(repository);
}

/** Kills stage passes at random moments, each with new files to stage, and goes on; closes nothing. */
export async function assertKillsHinderNothing(
  t: TestContext,
  { repository, location, settings }: SharedRepository,
  { seed, kills, afterKill = () => Promise.resolve() }: KillOptions,
): Promise<void> {
  const folder = temporaryFolder(t);
  const source = join(folder, 'source');
  const random = createRandom(seed);
  const request = { kind: 'stage', repository: location, settings, source, storeAs: '/v' } as const;
  fill(join(source, 'first'), random.next(), 10);
  let { durationMs } = await runPass(request);
  let hits = 0;
  for (let kill = 1; hits < kills; kill++) {
    assert.ok(kill - hits < 20, 'nearly every kill came after the end of the pass');
    fill(join(source, `fresh-${kill}`), random.next(), 10);
    const end = await runPass(request, durationMs * (0.3 + random.below(700) / 1000));
    if (end.wasKilled) hits += 1;
    else durationMs = end.durationMs;
    await afterKill();
  }
  await checkWell(repository);
  const { snapshotId } = await stageWell(repository, { paths: [source], storeAs: '/v' });
  assert.deepEqual(await repository.listIds('locks'), [], 'locks of killed processes stayed');
  await assertRestores(repository, `${snapshotId}:/v`, source, join(folder, 'target'));
}

function fill(folder: string, seed: number, files: number): void {
  const random = createRandom(seed);
  mkdirSync(folder, { recursive: true });
  for (let file = 0; file < files; file++) {
    writeFileSync(join(folder, `file-${file}`), random.bytes(random.between(1, 3_000_000)));
  }
}
