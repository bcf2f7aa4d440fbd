import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { it } from 'node:test';
import { projectRoot } from '../../support/project-files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Opens a store, lists it whether that works or not, and prints which packages were loaded. */
const program = `
  import { registerHooks } from 'node:module';
  const loaded = new Set();
  registerHooks({
    load(url, context, next) {
      const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
      if (name !== undefined) loaded.add(name);
      return next(url, context);
    },
  });
  const { openStore } = await import(process.argv[1]);
  const store = await openStore(process.argv[2]);
  try {
    const endMs = AbortSignal.timeout(2000);
    for await (const _ of store.list('', { signal: endMs })) break;
  } catch {}
  await store.close();
  console.log([...loaded].join(' '));
`;

function packagesLoadedFor(location: string): readonly string[] {
  const open = join(projectRoot, 'src/providers/objects/open.ts');
  const args = ['--no-warnings', '--input-type=module', '--eval', program, open, location];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return stdout.trim().split(' ');
}

it('a run loads the library of no service but its own', (t) => {
  const ofServices = (location: string) =>
    packagesLoadedFor(location).filter((name) =>
      /^(@aws-sdk|@azure|@google-cloud)\/|^google-auth/.test(name),
    );
  assert.deepEqual(ofServices(temporaryFolder(t)), []);
  const s3 = ofServices('s3://bucket?endpoint=http://127.0.0.1:1');
  assert.ok(s3.length > 0 && s3.every((name) => name.startsWith('@aws-sdk/')), s3.join(' '));
  assert.deepEqual(ofServices('gs://bucket?endpoint=http://127.0.0.1:1'), []);
});
