/** The policies that we print, on a server that enforces them: what each role can do, and what it cannot. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { awsPolicy, storePolicy } from '../../src/repository/store-policy.ts';
import { grantsOfRole } from '../../src/repository/store-rights.ts';
import type { StoreRole } from '../../src/repository/store-rights.ts';
import { peerSuite } from '../support/peers.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import { allow, createUser } from '../support/s3/versitygw-user.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { message, tranship } from '../support/tranship.ts';

const prefix = 'velero/restic/web';

/** A repository with a snapshot, and a user who may do nothing yet. */
async function bucketWithUser(t: TestContext, binary: string) {
  const server = await startVersitygw(binary);
  t.after(() => server.stop());
  const bucket = await newBucket(server);
  const user = await createUser(binary, server, 'mover');
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'source'));
  let written = 0;
  /** New contents, so that a pass has something to store. */
  const change = (): void => writeFileSync(join(folder, 'source/file'), `contents ${(written += 1)}`);
  change();
  const run = (args: readonly string[], env = user.env) =>
    tranship(args, { env: { ...env, TRANSHIP_REPOSITORY: bucket.location(prefix) } });
  const stage = (env = user.env) => {
    change();
    return run(['stage', join(folder, 'source'), '--as', '/v', '--quiet'], env);
  };
  const restore = (...more: readonly string[]) =>
    run(['restore', 'latest:/v', '--target', join(folder, 'target'), '--quiet', ...more]);
  assert.equal((await run(['init'], bucket.env)).code, 0);
  assert.equal((await stage(bucket.env)).code, 0);
  return {
    bucket,
    folder,
    run,
    stage,
    restore,
    allowRole: (role: StoreRole) =>
      allow(server, bucket, user, JSON.parse(storePolicy('aws', role, { bucket: bucket.name, prefix }))),
    /** All that the role is granted, but for one statement. */
    allowAllBut: (role: StoreRole, name: string) => {
      const kept = grantsOfRole[role].filter((grant) => grant.name !== name);
      return allow(server, bucket, user, awsPolicy(kept, bucket.name, `${prefix}/`));
    },
  };
}

peerSuite(['versitygw'], 'policies of AWS', ({ versitygw }) => {
  it('of a stage pass let it work and restore, and refuse what removes anything', async (t) => {
    const { bucket, run, stage, restore, allowRole } = await bucketWithUser(t, versitygw);
    await allowRole('stage');
    for (const result of [await stage(), await stage(), await restore('--verify'), await run(['check'])]) {
      assert.equal(result.code, 0, result.stderr);
    }
    const tag = await run(['tag', '--add', 'kept', 'latest']);
    assert.match(tag.stderr, /refused access/);
    assert.equal(tag.code, 1);
    const added = await run(['key', 'add', '--new-password-command', 'echo another']);
    assert.match(added.stderr, /refused access/);
    const found = await run(['store', 'check', '--json']);
    assert.equal(found.code, 0, found.stderr);
    assert.deepEqual(message(found.stdout, 'summary')['can'], { stage: true, restore: true, prune: false });
    assert.deepEqual(await bucket.unfinishedUploads(), []);
    for await (const { key } of bucket.driver().list(prefix, {})) assert.doesNotMatch(key, /tranship-check/);
  });

  it('of a restore let it work and refuse a stage pass', async (t) => {
    const { run, stage, restore, allowRole } = await bucketWithUser(t, versitygw);
    await allowRole('restore');
    assert.equal((await restore('--verify')).code, 0);
    const refused = await stage();
    assert.match(refused.stderr, /refused access/);
    assert.equal(refused.code, 1);
    const found = await run(['store', 'check', '--json']);
    assert.equal(found.code, 3, found.stderr);
    assert.deepEqual(message(found.stdout, 'summary')['missing'], {
      stage: [{ right: 'write', places: ['data/', 'index/', 'snapshots/'] }],
      restore: [],
      prune: [
        { right: 'list', places: ['config'] },
        { right: 'write', places: ['keys/', 'data/', 'index/', 'snapshots/'] },
        { right: 'delete', places: ['keys/', 'data/', 'index/', 'snapshots/'] },
      ],
    });
  });

  it('of prune let a repository be made and looked after', async (t) => {
    const { bucket, run, stage, restore, allowRole } = await bucketWithUser(t, versitygw);
    await allowRole('prune');
    const keyed = ['key', 'add', '--new-password-command', 'echo another'];
    for (const args of [['tag', '--add', 'kept', 'latest'], keyed, ['unlock', '--remove-all'], ['check']]) {
      const { code, stderr } = await run(args);
      assert.equal(code, 0, `${args[0]}: ${stderr}`);
    }
    assert.equal((await stage()).code, 0);
    assert.equal((await restore()).code, 0);
    const refused = await run(['init', '-r', bucket.location('elsewhere')]);
    assert.match(refused.stderr, /refused access/);
    assert.equal(refused.code, 1);
  });

  it('of prune make a repository where there is none, which takes the listing of `config`', async (t) => {
    const server = await startVersitygw(versitygw);
    t.after(() => server.stop());
    const bucket = await newBucket(server);
    const user = await createUser(versitygw, server, 'maker');
    const run = (...args: readonly string[]) =>
      tranship([...args, '-r', bucket.location(prefix)], { env: user.env });
    const check = async () => {
      const args = ['store', 'check', bucket.location(prefix), '--json'];
      return message((await tranship(args, { env: user.env })).stdout, 'summary')['can'];
    };
    const narrowed = grantsOfRole.prune.map((grant) =>
      grant.right === 'list'
        ? { ...grant, places: grant.places.filter((place) => place !== 'config') }
        : grant,
    );
    await allow(server, bucket, user, awsPolicy(narrowed, bucket.name, `${prefix}/`));
    assert.match(
      (await run('init')).stderr,
      /refused access: \S*config /,
      'the server passes over conditions',
    );
    assert.deepEqual(await check(), { stage: true, restore: true, prune: false });
    const policy = JSON.parse(storePolicy('aws', 'prune', { bucket: bucket.name, prefix }));
    await allow(server, bucket, user, policy);
    assert.deepEqual(await check(), { stage: true, restore: true, prune: true });
    const made = await run('init');
    assert.equal(made.code, 0, made.stderr);
    assert.equal((await run('check')).code, 0);
  });

  for (const { name } of grantsOfRole.stage) {
    it(`of a stage pass need the statement ${name}`, async (t) => {
      const { stage, run, allowAllBut } = await bucketWithUser(t, versitygw);
      await allowAllBut('stage', name);
      const { code, stderr } = await stage();
      assert.ok(code !== 0 || stderr !== '', 'it worked without');
      const { stdout } = await run(['store', 'check', '--json']);
      const { policy } = message(stdout, 'summary');
      assert.match(JSON.stringify(policy), new RegExp(`"Sid":"${name}"`));
    });
  }

  for (const { name } of grantsOfRole.restore) {
    it(`of a restore need the statement ${name}, or --no-lock`, async (t) => {
      const { restore, allowAllBut } = await bucketWithUser(t, versitygw);
      await allowAllBut('restore', name);
      const { code, stderr } = await restore();
      assert.ok(code !== 0 || stderr !== '', 'it worked without');
      assert.equal((await restore('--no-lock')).code === 0, name.endsWith('Locks'));
    });
  }
});

peerSuite(['versitygw', 'restic-newest'], 'policies of AWS', (paths) => {
  it('refuse restic a prune to who may stage, and let who may prune', async (t) => {
    const { bucket, folder, run, stage, allowRole } = await bucketWithUser(t, paths.versitygw);
    assert.equal((await stage(bucket.env)).code, 0);
    const prune = () =>
      new Promise<{ code: number; stderr: string }>((resolve) => {
        const env = {
          AWS_ACCESS_KEY_ID: 'mover',
          AWS_SECRET_ACCESS_KEY: 'mover-secret',
          AWS_DEFAULT_REGION: 'us-east-1',
          RESTIC_PASSWORD: 'test',
          RESTIC_CACHE_DIR: join(folder, 'cache'),
        };
        const args = ['-r', bucket.resticLocation(prefix), 'forget', '--keep-last', '1', '--prune'];
        execFile(paths['restic-newest'], args, { env, timeout: 60_000 }, (error, _, stderr) =>
          resolve({ code: error === null ? 0 : 1, stderr }),
        );
      });
    await allowRole('stage');
    const refused = await prune();
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /denied/i);
    await allowRole('prune');
    const pruned = await prune();
    assert.equal(pruned.code, 0, pruned.stderr);
    assert.equal((await run(['check', '--read-data'])).code, 0);
  });
});
