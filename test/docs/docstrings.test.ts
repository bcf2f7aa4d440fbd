/**
 * What the entry point exports is documented, and what the docstrings show runs. An example is the body of a function
 * in which every export is imported, and in which are: `store`, a folder `replica` with a repository; `repository`,
 * that one, open with the password `correct horse`; `first`, the result of the first of two passes that staged
 * `volume` as `/data`; a file `volume/greeting`; `pipeline` and `createWriteStream` of Node; `disks`, a cloud in memory
 * that has the disk `disk-1`. Each has a repository and a cloud of its own.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { projectRoot } from '../support/project-files.ts';
import { exampleOf, exportedNames } from './exported-names.ts';
import { Workplace } from './workplace.ts';

const exported = exportedNames();
const values = exported.filter(({ isType }) => !isType);

const memoryCloud = join(projectRoot, 'test', 'support', 'disks', 'memory-cloud.ts');

const prelude = `
import { createWriteStream } from 'node:fs';
import { cp, rm, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { ${values.map(({ name }) => name).join(', ')} } from 'tranship';
import type { DiskDriver, ObjectDriver, StageResult } from 'tranship';
import { MemoryCloud } from '${memoryCloud}';

type Example = (
  store: ObjectStore,
  repository: Repository,
  first: StageResult,
  disks: DiskDriver,
) => Promise<void>;
const examples: Record<string, Example> = {};
`;

const runner = `
const password = 'correct horse';
const made = await openStore('made');
const repository = await Repository.init(made, { password, scryptCost: { N: 2, r: 1, p: 1 } });
await writeFile('volume/greeting', 'hello');
const first = await stage(repository, { paths: ['volume'], storeAs: '/data' });
await writeFile('volume/greeting', 'hello again');
await stage(repository, { paths: ['volume'], storeAs: '/data' });
await made.close();
for (const [name, example] of Object.entries(examples)) {
  await rm('replica', { recursive: true, force: true });
  await cp('made', 'replica', { recursive: true });
  const store = await openStore('replica');
  const disks = new MemoryCloud({ named: true });
  disks.addDisk();
  try {
    await example(store, await Repository.open(store, { password }), first, disks);
  } catch (error) {
    throw new Error(\`the example of \${name} failed\`, { cause: error });
  } finally {
    await store.close();
  }
}
`;

describe('docstrings of what is exported', () => {
  it('are there', () => {
    const bare = exported.filter(({ docstring }) => docstring === undefined);
    assert.deepEqual(
      bare.map(({ name, path }) => `${path}: ${name}`),
      [],
    );
  });

  it('hold an example where a function or class is exported', () => {
    const without = values.filter(({ docstring = '' }) => exampleOf(docstring) === undefined);
    assert.deepEqual(
      without.map(({ name, path }) => `${path}: ${name}`),
      [],
    );
  });

  it('hold examples that run', async (t) => {
    const examples = values.map(({ name, docstring = '' }) => {
      const code = exampleOf(docstring) ?? '';
      return `examples['${name}'] = async (store, repository, first, disks) => {\n${code}\n};`;
    });
    const place = new Workplace(t, undefined);
    mkdirSync(join(place.folder, 'volume'));
    await place.runModule([prelude, ...examples, runner].join('\n'), { unusedLocals: true });
  });
});
