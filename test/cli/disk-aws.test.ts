import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { Ec2Double } from '../support/disks/ec2-double.ts';
import { readClusterObjects } from '../../src/snapshot/cluster-objects.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { message, messages, tranship } from '../support/tranship.ts';
import type { TranshipOptions, TranshipResult } from '../support/tranship.ts';

interface Place {
  readonly cwd: string;
  readonly cloud: Ec2Double;
  readonly run: (args: readonly string[], options?: TranshipOptions) => Promise<TranshipResult>;
}

/** A repository in a folder, which is in no cloud: the rule on that is allowed. */
async function placeOn(t: TestContext): Promise<Place> {
  const cloud = await Ec2Double.start();
  t.after(() => cloud.stop());
  const cwd = temporaryFolder(t);
  const env = {
    TRANSHIP_REPOSITORY: join(cwd, 'replica'),
    AWS_ACCESS_KEY_ID: 'AKIATRANSHIP',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: cloud.region,
  };
  const run: Place['run'] = (args, options = {}) => tranship(args, { cwd, env, ...options });
  assert.equal((await run(['init'])).code, 0);
  return { cwd, cloud, run };
}

const allowed = ['--allow', 'repository-provider-mismatch'];

describe('tranship disk on EBS', () => {
  it('snapshots, lists, restores, removes and sweeps', async (t) => {
    const { cloud, run } = await placeOn(t);
    const disk = cloud.addDisk();
    const preflight = await run(['disk', 'preflight', disk]);
    assert.equal(preflight.code, 3, preflight.stderr);
    assert.match(preflight.stdout, /repository-provider-mismatch/);
    assert.match(preflight.stdout, /1 violations/);

    const refused = await run(['disk', 'snapshot', disk, '--plan', 'shop']);
    assert.equal(refused.code, 3, refused.stderr);
    assert.equal(cloud.snapshots().length, 0);

    const dry = await run(['disk', 'snapshot', disk, '--plan', 'shop', '--dry-run', ...allowed]);
    assert.equal(dry.code, 0, dry.stderr);
    assert.equal(cloud.snapshots().length, 0);

    const taken = await run(['disk', 'snapshot', disk, '--plan', 'shop', '--json', ...allowed]);
    assert.equal(taken.code, 0, taken.stderr);
    const snapshot = String(message(taken.stdout, 'snapshot')['id']);
    assert.equal(message(taken.stdout, 'summary')['snapshots'], 1);

    const restored = await run([
      'disk',
      'restore',
      snapshot.slice(0, 14),
      '--claim',
      'shop/data',
      '--class',
      'fast',
    ]);
    assert.equal(restored.code, 0, restored.stderr);
    const [volume] = readClusterObjects(restored.stdout).volumes;
    assert.ok(
      cloud.disks().some(({ id }) => id === volume?.handle),
      restored.stdout,
    );

    const listed = await run(['disk', 'list', '--now', '--json']);
    const rows: Record<string, unknown>[] = JSON.parse(listed.stdout);
    assert.deepEqual(
      rows.map(({ kind, state, now }) => [kind, state, now]),
      [
        ['snapshot', 'ready', 'ready'],
        ['disk', 'ready', 'available'],
      ],
    );

    const removed = await run(['disk', 'delete', snapshot]);
    assert.equal(removed.code, 0, removed.stderr);
    const swept = await run(['disk', 'sweep', '--json']);
    assert.equal(swept.code, 0, swept.stderr);
    assert.equal(message(swept.stdout, 'summary')['removed'], 0);
    assert.equal(cloud.disks().length, 2);
    assert.deepEqual(cloud.violations(), []);
  });

  it('says that the target is on another provider, whose regions EC2 does not know', async (t) => {
    const { cwd, cloud, run } = await placeOn(t);
    const node = {
      kind: 'Node',
      metadata: { labels: { 'topology.kubernetes.io/zone': 'us-central1-a' } },
      spec: { providerID: 'gce://project/us-central1-a/node' },
    };
    writeFileSync(join(cwd, 'to.yaml'), JSON.stringify(node));
    const told = await run(['disk', 'preflight', cloud.addDisk(), '--target', 'to.yaml', '--json']);
    assert.equal(told.code, 3, told.stderr);
    const violations = messages(told.stdout).filter((line) => line['message_type'] === 'violation');
    assert.deepEqual(
      violations.map(({ code }) => code),
      ['provider-mismatch'],
    );
  });

  it('gives a block volume back as one, and says which snapshot is of an earlier run', async (t) => {
    const { cwd, cloud, run } = await placeOn(t);
    const volume = {
      kind: 'PersistentVolume',
      metadata: { name: 'pv-1' },
      spec: {
        capacity: { storage: '8Gi' },
        accessModes: ['ReadWriteOncePod'],
        volumeMode: 'Block',
        csi: { driver: 'ebs.csi.aws.com', volumeHandle: cloud.addDisk() },
      },
    };
    writeFileSync(join(cwd, 'from.yaml'), JSON.stringify(volume));
    const take = ['disk', 'snapshot', 'pv-1', '--source', 'from.yaml', '--plan', 'shop', ...allowed];
    assert.match((await run([...take, '--pass', 'stage'])).stdout, /final-only/);
    const first = await run([...take, '--json']);
    assert.equal(first.code, 0, first.stderr);
    const { id, earlier } = message(first.stdout, 'snapshot');
    assert.equal(earlier, false);
    const again = await run([...take, '--allow', 'snapshot-too-soon']);
    assert.match(again.stdout, /of an earlier run, .* old/);
    assert.match(again.stderr, /name another pass/);
    // One that cannot be read stands in the way of none of this.
    const other = join(cwd, 'replica', 'tranship', 'disks', 'tranship-000000000000000000000000');
    writeFileSync(other, 'no document');
    const restored = await run(['disk', 'restore', String(id), '--claim', 'shop/data', '--class', 'fast']);
    assert.equal(restored.code, 0, restored.stderr);
    const [made] = readClusterObjects(restored.stdout).volumes;
    assert.deepEqual([made?.volumeMode, made?.accessModes], ['Block', ['ReadWriteOncePod']]);
    assert.equal((await run(['disk', 'delete', String(id)])).code, 0);
    assert.notEqual((await run(['disk', 'sweep'])).code, 0);
  });

  it('leaves nothing when it is interrupted, and exits 130', async (t) => {
    const { cloud, run } = await placeOn(t);
    const disk = cloud.addDisk();
    cloud.strike({ call: 'createSnapshot', kind: 'stays-pending' });
    const args = ['disk', 'snapshot', disk, '--plan', 'shop', '--json', ...allowed];
    const { code, stdout, stderr } = await run(args, {
      onStdout: (text, child) => {
        if (text.includes('"status"')) child.kill('SIGINT');
      },
    });
    assert.equal(code, 130, stderr);
    assert.ok(
      messages(stdout).some(({ event }) => event === 'deleted'),
      stdout,
    );
    assert.deepEqual(
      cloud.snapshots().filter(({ state }) => state !== 'deleting'),
      [],
    );
    assert.equal((await run(['disk', 'list', '--json'])).stdout, '[]\n');
  });

  it('names the permission that is missing', async (t) => {
    const { cloud, run } = await placeOn(t);
    cloud.strike({ call: 'createSnapshot', kind: 'denied' });
    const { code, stderr } = await run(['disk', 'snapshot', cloud.addDisk(), '--plan', 'shop', ...allowed]);
    assert.equal(code, 1);
    assert.match(stderr, /ec2:CreateSnapshot/);
  });

  it('prints policies', async (t) => {
    const { run } = await placeOn(t);
    const { stdout } = await run(['disk', 'policy', 'aws', 'sweep']);
    assert.match(stdout, /"ec2:DeleteSnapshot"/);
    assert.doesNotMatch(stdout, /Create/);
  });
});
