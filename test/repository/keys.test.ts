import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryDriver } from '../../src/providers/objects/memory/driver.ts';
import { ObjectStore } from '../../src/providers/objects/store.ts';
import { Repository } from '../../src/repository/repository.ts';
import { InstantClock } from '../support/providers/instant-clock.ts';
import { weakScrypt } from '../support/weak-key.ts';

it('a store that took a minute to list its keys was said to have none', async () => {
  const driver = new MemoryDriver();
  const options = { password: 'test', scryptCost: weakScrypt };
  const { keyId } = await Repository.init(new ObjectStore(driver), options);
  const clock = new InstantClock();
  const slow = new MemoryDriver({ objects: driver.contents() });
  const list = slow.list.bind(slow);
  slow.list = (prefix, listOptions) => {
    clock.advance(60_000);
    return list(prefix, listOptions);
  };
  const repository = await Repository.open(new ObjectStore(slow), { ...options, clock });
  assert.equal(repository.keyId, keyId);
});
