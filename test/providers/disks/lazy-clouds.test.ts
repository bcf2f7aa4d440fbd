import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { it } from 'node:test';
import { projectRoot } from '../../support/project-files.ts';

/** Opens the disks of a cloud, asks for one whether that works or not, and prints which packages were loaded. */
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
  const disks = await openDisks(process.argv[2], JSON.parse(process.argv[3]));
  await disks.describeSnapshot(process.argv[4], {}).catch(() => undefined);
  await disks.close();
  console.log([...loaded].filter((name) => /^(@aws-sdk|@azure|@google-cloud)\\/|^google-auth/.test(name)).join(' '));
`;

function packagesLoadedFor(provider: string, options: object, snapshotId: string): readonly string[] {
  const open = join(projectRoot, 'src/providers/disks/open.ts');
  const args = ['--no-warnings', '--input-type=module', '--eval', program, open, provider];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...args, JSON.stringify(options), snapshotId],
    { cwd: projectRoot, encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return stdout.trim().split(' ');
}

it('a run on EBS loads the library of EC2, and those of no other service before they are needed', () => {
  const credentials = { accessKeyId: 'AKIATRANSHIP', secretAccessKey: 'secret' };
  const settings = { aws: { credentials, endpoint: 'http://127.0.0.1:1' } };
  const loaded = packagesLoadedFor('aws', { region: 'eu-central-1', settings }, 'snap-0');
  assert.ok(loaded.includes('@aws-sdk/client-ec2'), loaded.join(' '));
  const others = loaded.filter((name) => !name.startsWith('@aws-sdk/') || /client-(?!ec2$)/.test(name));
  assert.deepEqual(others, []);
});
