import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { it } from 'node:test';
import { projectRoot } from '../../../support/project-files.ts';

/** Opens the disks of Google, and prints which packages were loaded; then again after a call that reaches nobody. */
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
  const { openDisks } = await import(process.argv[1]);
  const endpoint = 'http://127.0.0.1:1';
  const gcp = { endpoint, kmsEndpoint: endpoint, accessToken: 'a-token', project: 'p' };
  const disks = await openDisks('gcp', { settings: { gcp } });
  console.log([...loaded].join(' '));
  await disks.describeDisk('projects/p/zones/z-1-a/disks/d', {}).catch((error) => console.error(error.message));
  await disks.close();
  console.log([...loaded].join(' '));
`;

it('Google’s library is loaded by the first call, and no other cloud’s', () => {
  const open = join(projectRoot, 'src/providers/disks/open.ts');
  const args = ['--no-warnings', '--input-type=module', '--eval', program, open];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /nothing listens/);
  const [atFirst = '', later = ''] = stdout.split('\n');
  const ofClouds = (names: string): readonly string[] =>
    names.split(' ').filter((name) => /^(@aws-sdk|@azure|@google-cloud)\/|^google-/.test(name));
  assert.deepEqual(ofClouds(atFirst), []);
  assert.ok(ofClouds(later).includes('@google-cloud/compute'), later);
  assert.deepEqual(
    ofClouds(later).filter((name) => !name.startsWith('@google-cloud/') && !name.startsWith('google-')),
    [],
  );
});
