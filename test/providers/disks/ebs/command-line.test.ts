import assert from 'node:assert/strict';
import { it } from 'node:test';
import { join } from 'node:path';
import { Ec2Double } from '../../../support/disks/ec2-double.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { tranship } from '../../../support/tranship.ts';

it('takes a volume there and back from the command line, and a missing permission is named', async (t) => {
  const cloud = await Ec2Double.start();
  t.after(() => cloud.stop());
  const cwd = temporaryFolder(t);
  const env = {
    TRANSHIP_REPOSITORY: join(cwd, 'replica'),
    AWS_ACCESS_KEY_ID: 'AKIATRANSHIP',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'eu-central-1',
  };
  const run = async (...args: string[]) => tranship(args, { cwd, env });
  const disk = (...args: string[]) => run('disk', ...args, '--disk-endpoint', cloud.endpoint);
  const volume = cloud.addDisk({ iops: 6000 });
  assert.equal((await run('init')).code, 0);
  const take = ['snapshot', volume, '--plan', 'shop', '--quiesced'];
  const allowed = ['--allow', 'repository-provider-mismatch'];

  cloud.strike({ call: 'createSnapshot', kind: 'denied' });
  const denied = await disk(...take, ...allowed);
  assert.equal(denied.code, 1, denied.stderr);
  assert.match(denied.stderr, /allow ec2:CreateSnapshot for these credentials/);
  assert.deepEqual(cloud.snapshots(), []);

  const taken = await disk(...take, ...allowed);
  assert.equal(taken.code, 0, taken.stderr);
  const [snapshot] = cloud.snapshots();
  assert.equal(snapshot?.state, 'ready');
  const [document = ''] = /tranship-[0-9a-f]+/.exec(taken.stdout) ?? [];
  const restored = await disk('restore', document);
  assert.equal(restored.code, 0, restored.stderr);
  assert.equal(cloud.disks().length, 2);
  const removed = await disk('delete', document);
  assert.equal(removed.code, 0, removed.stderr);
  assert.deepEqual(cloud.snapshots(), []);
  assert.deepEqual(cloud.violations(), []);
});
