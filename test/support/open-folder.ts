import { closeSync, constants, openSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { temporaryFolder } from './temporary-folder.ts';

export interface OpenFolder {
  readonly path: string;
  readonly fd: number;
}

/** A new empty folder and a descriptor of it; both are gone after the test. */
export function openFolder(t: Pick<TestContext, 'after'>): OpenFolder {
  const path = temporaryFolder(t);
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  t.after(() => closeSync(fd));
  return { path, fd };
}
