/** Passes of our own that must meet no trouble. */
import assert from 'node:assert/strict';
import { describeError } from '../../src/base/errors.ts';
import type { TranshipError } from '../../src/base/errors.ts';
import { restore } from '../../src/copy/restore.ts';
import type { RestoreOptions, RestoreResult } from '../../src/copy/restore.ts';
import { stage } from '../../src/copy/stage.ts';
import type { StageOptions, StageResult } from '../../src/copy/stage.ts';
import { checkRepository } from '../../src/repository/check.ts';
import type { CheckReport } from '../../src/repository/check.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { compareTrees } from '../support/tree-compare.ts';
import type { CompareOptions } from '../support/tree-compare.ts';
import { removeTree } from '../support/temporary-folder.ts';

export interface Staged extends StageResult {
  readonly snapshotId: string;
}

/** Fails on any error or warning. */
export async function stageWell(repository: Repository, options: StageOptions): Promise<Staged> {
  const troubles: string[] = [];
  const result = await stage(repository, {
    workers: 1,
    ...options,
    onEvent: (event) => {
      if (event.type === 'error' || event.type === 'warning') troubles.push(describeTrouble(event));
    },
  });
  assert.deepEqual(troubles, [], 'trouble of stage');
  const { snapshotId } = result;
  assert.ok(snapshotId !== undefined && !result.isPartial);
  return { ...result, snapshotId };
}

/** rustic stores sockets, which nobody restores. */
const socketWarning = /a node of type socket is left out$/;

/** Fails on any error or warning, but for sockets. */
export async function restoreWell(repository: Repository, options: RestoreOptions): Promise<RestoreResult> {
  const troubles: string[] = [];
  const result = await restore(repository, {
    workers: 1,
    ...options,
    onEvent: (event) => {
      if (event.type === 'error' || event.type === 'warning') troubles.push(describeTrouble(event));
    },
  });
  assert.deepEqual(
    troubles.filter((trouble) => !socketWarning.test(trouble)),
    [],
    'trouble of restore',
  );
  return result;
}

/** Restores into a folder of its own, compares, and removes the folder. */
export async function assertRestores(
  repository: Repository,
  snapshot: string,
  original: string,
  target: string,
  options: CompareOptions = {},
): Promise<void> {
  await restoreWell(repository, { snapshot, target });
  assertSameTree(original, target, `tranship restored ${snapshot}`, options);
  removeTree(target);
}

export function assertSameTree(
  original: string,
  restored: string,
  what: string,
  options: CompareOptions = {},
): void {
  assert.deepEqual(compareTrees(original, restored, options), [], what);
}

/** Reads everything. Fails on any error; hints are no failure. */
export async function checkWell(repository: Repository): Promise<CheckReport> {
  const report = await checkRepository(repository, { readData: 'all' });
  assert.deepEqual(report.errors, [], 'errors of check');
  return report;
}

type Trouble =
  | { readonly type: 'error'; readonly path: Uint8Array; readonly error: TranshipError }
  | { readonly type: 'warning'; readonly path: Uint8Array; readonly message: string };

function describeTrouble(event: Trouble): string {
  const what = event.type === 'error' ? describeError(event.error) : event.message;
  return `${event.type} ${Buffer.from(event.path).toString()}: ${what}`;
}
