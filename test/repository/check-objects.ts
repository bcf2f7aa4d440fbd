import assert from 'node:assert/strict';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { checkRepository } from '../../src/repository/check.ts';
import type { CheckOptions, CheckReport } from '../../src/repository/check.ts';
import { Repository } from '../../src/repository/repository.ts';
import { password } from './lock-fixtures.ts';
import { copyOf } from './small-repository.ts';
import type { Objects } from './small-repository.ts';

/** Checks a repository of these objects, and that the check changes none of them. */
export async function checkObjects(objects: Objects, options: CheckOptions = {}): Promise<CheckReport> {
  const driver = new MemoryDriver({ objects });
  const before = copyOf(driver);
  const repository = await Repository.open(new ObjectStore(driver), { password });
  const report = await checkRepository(repository, options);
  assert.deepEqual(copyOf(driver), before, 'the check changed the repository');
  return report;
}
