import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CancelledError, RepositoryError } from '../../src/base/errors.ts';
import { listEntries } from '../../src/repository/list-entries.ts';
import type { ListEntriesOptions } from '../../src/repository/list-entries.ts';
import { smallRepository } from './small-repository.ts';

const { repository, snapshots } = await smallRepository();
const [first] = snapshots;

async function pathsOf(options: ListEntriesOptions): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of listEntries(repository, options)) paths.push(path.toString());
  return paths;
}

describe('the entries of a snapshot', () => {
  it('come in order, a folder before what it holds', async () => {
    const paths = await pathsOf({ snapshot: first });
    assert.ok(paths.length > 1);
    for (const path of paths) {
      const folder = path.slice(0, path.lastIndexOf('/'));
      assert.ok(folder === '' || paths.indexOf(folder) < paths.indexOf(path), path);
    }
  });

  it('are those of one folder, or a file, where a path is given', async () => {
    const all = await pathsOf({ snapshot: first });
    const top = all.filter((path) => path.lastIndexOf('/') === 0);
    assert.deepEqual(await pathsOf({ snapshot: first, recursive: false }), top);
    const nested = all.find((path) => path.lastIndexOf('/') > 0) ?? '';
    const folder = nested.slice(0, nested.lastIndexOf('/'));
    const below = all.filter((path) => path.startsWith(`${folder}/`));
    assert.deepEqual(await pathsOf({ snapshot: `${first}:${folder}` }), below);
    assert.deepEqual(await pathsOf({ snapshot: `${first}:${nested}` }), [nested]);
  });

  it('are refused by name, and by signal', async () => {
    const isNotFound = (error: unknown): boolean =>
      error instanceof RepositoryError && error.code === 'not-found';
    await assert.rejects(pathsOf({ snapshot: `${first}:/nowhere` }), isNotFound);
    await assert.rejects(pathsOf({ snapshot: 'ffff' }), isNotFound);
    await assert.rejects(pathsOf({ snapshot: first, signal: AbortSignal.abort() }), CancelledError);
  });
});
