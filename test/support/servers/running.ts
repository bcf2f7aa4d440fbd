import assert from 'node:assert/strict';
import { after, before } from 'node:test';

/** Stops in `after` what it has started in `before`; gives a function that returns it meanwhile. */
export function running<T extends { stop(): Promise<void> }>(start: () => Promise<T>): () => T {
  let started: T | undefined;
  before(async () => {
    started = await start();
  });
  after(() => started?.stop());
  return () => {
    assert.ok(started !== undefined, 'the server runs only inside tests and hooks');
    return started;
  };
}
