import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stageWell } from '../interop/own-pass.ts';
import { peerSuite } from '../support/peers.ts';
import { initQuickly } from '../support/quick-repository.ts';
import { newBucket } from '../support/s3/s3-bucket.ts';
import { startVersitygw } from '../support/s3/versitygw-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { messages, testPassword, tranship } from '../support/tranship.ts';

const cleanups: (() => void)[] = [];
const folder = temporaryFolder({ after: (work: () => void) => void cleanups.push(work) });
const source = join(folder, 'source');
const from = ['--from-repo', source];
const fromEnv = { TRANSHIP_FROM_PASSWORD: testPassword, TRANSHIP_PASSWORD: 'other' };

before(async () => {
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  writeFileSync(join(tree, 'file'), 'contents');
  const repository = await initQuickly(source);
  await stageWell(repository, { paths: [tree], hostname: 'node-1' });
  writeFileSync(join(tree, 'late'), 'more');
  await stageWell(repository, { paths: [tree], hostname: 'node-2' });
  await repository.store.close();
});

after(() => {
  for (const cleanup of cleanups) cleanup();
});

describe('tranship copy', () => {
  it('copies what is chosen under another password, and says what it did', async () => {
    const target = ['-r', join(folder, 'target')];
    const made = await tranship(['init', ...target, ...from, '--copy-chunker-params'], { env: fromEnv });
    assert.equal(made.code, 0, made.stderr);
    const dry = await tranship(['copy', ...target, ...from, '--dry-run'], { env: fromEnv });
    assert.match(dry.stdout, /^snapshot [0-9a-f]{8} of \S+ at node-1 would be copied$/m);
    assert.match(dry.stdout, /^would copy 2 snapshots /m);
    const one = await tranship(['copy', ...target, ...from, '--host', 'node-1', '--json'], { env: fromEnv });
    const lines = messages(one.stdout);
    assert.deepEqual(
      lines.map((line) => line['message_type']).filter((type) => type !== 'status'),
      ['copied', 'summary'],
    );
    assert.equal(lines.at(-1)?.['copied_snapshots'], 1);
    const all = await tranship(['copy', ...target, ...from, '-v'], { env: fromEnv });
    assert.match(all.stdout, /node-1 was copied before, to [0-9a-f]{8}$/m);
    assert.match(all.stdout, /^copied 1 snapshots .*; 1 were copied before$/m);
    assert.equal(all.stderr, '');
    assert.equal(all.code, 0);
  });

  it('ends with 3 when a snapshot is damaged in the source, and copies the others', async () => {
    const damaged = join(folder, 'damaged');
    const repository = await initQuickly(damaged);
    const tree = join(folder, 'tree');
    await stageWell(repository, { paths: [tree] });
    const [pack = ''] = await repository.listIds('data');
    const { snapshotId } = await stageWell(repository, { paths: [join(tree, 'file')], hostname: 'whole' });
    await repository.store.close();
    rmSync(join(damaged, 'data', pack.slice(0, 2), pack));
    const target = ['-r', join(folder, 'partial'), '--chunker', 'rabin'];
    await tranship(['init', ...target], { env: fromEnv });
    const result = await tranship(['copy', ...target.slice(0, 2), '--from-repo', damaged, '--json'], {
      env: fromEnv,
    });
    const errors = messages(result.stderr).filter((line) => line['message_type'] === 'error');
    assert.ok(errors.length >= 1 && snapshotId.length === 64);
    assert.match(JSON.stringify(errors[0]), /"during":"copy","item":"snapshots\/[0-9a-f]{64}"/);
    assert.equal(messages(result.stdout).at(-1)?.['failed_snapshots'], errors.length);
    assert.equal(result.code, 3);
  });

  it('refuses in one line what cannot be meant', async () => {
    const target = ['-r', join(folder, 'target')];
    const cases: readonly (readonly [readonly string[], Readonly<Record<string, string>>, RegExp])[] = [
      [['copy', ...target], fromEnv, /no source repository was given/],
      [['copy', '-r', source, ...from], { ...fromEnv, TRANSHIP_PASSWORD: testPassword }, /copied to itself/],
      [
        ['copy', ...target, ...from, '--from-password-file', 'a', '--from-password-command', 'b'],
        fromEnv,
        /--from-password-file and --from-password-command exclude each other/,
      ],
      [
        ['init', ...target, ...from],
        fromEnv,
        /--from-repository has no effect without --copy-chunker-params/,
      ],
      [
        ['init', ...target, ...from, '--copy-chunker-params', '--chunker', 'rabin'],
        fromEnv,
        /--chunker has no effect/,
      ],
      [
        ['copy', ...target, '--from-repo', 's3://bucket/p?endpoint=http://127.0.0.1:1'],
        { ...fromEnv, TRANSHIP_FROM_AWS_ACCESS_KEY_ID: 'id' },
        /credentials of the source are not complete/,
      ],
    ];
    for (const [args, env, message] of cases) {
      const { code, stderr } = await tranship(args, { env });
      assert.match(stderr, message);
      assert.equal(code, 2, stderr);
    }
    const wrong = await tranship(['copy', ...target, ...from], {
      env: { ...fromEnv, TRANSHIP_FROM_PASSWORD: 'wrong' },
    });
    assert.equal(wrong.code, 12);
  });
});

peerSuite(['versitygw'], 'tranship copy between two S3 services', ({ versitygw }) => {
  it('takes other credentials for each side', async (t) => {
    const here = await startVersitygw(versitygw);
    t.after(() => here.stop());
    const keys = { accessKeyId: 'keyOfTheOther', secretAccessKey: 'secretOfTheOther' };
    const there = await startVersitygw(versitygw, { keys });
    t.after(() => there.stop());
    const [near, far] = [await newBucket(here), await newBucket(there)];
    const target = ['-r', near.location('copies')];
    const sourceAt = ['--from-repo', far.location('originals')];
    const env = { ...fromEnv, ...near.env };
    const steps: readonly (readonly [readonly string[], Readonly<Record<string, string>>])[] = [
      [['init', '-r', far.location('originals')], { TRANSHIP_PASSWORD: testPassword, ...far.env }],
      [['init', ...target], env],
      [
        ['copy', '-r', far.location('originals'), ...from],
        { ...fromEnv, TRANSHIP_PASSWORD: testPassword, ...far.env },
      ],
      [
        ['copy', ...target, ...sourceAt],
        {
          ...env,
          TRANSHIP_FROM_AWS_ACCESS_KEY_ID: keys.accessKeyId,
          TRANSHIP_FROM_AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
        },
      ],
      [['check', ...target, '--read-data'], env],
    ];
    for (const [args, more] of steps) {
      const { code, stderr } = await tranship([...args, '-q'], { env: more });
      assert.equal(code, 0, `${args[0]}: ${stderr}`);
    }
    const credentials = join(folder, 'credentials');
    writeFileSync(
      credentials,
      `[far]\naws_access_key_id = ${keys.accessKeyId}\naws_secret_access_key = ${keys.secretAccessKey}\n`,
    );
    const profile = ['--from-credentials-file', credentials, '--from-profile', 'far'];
    const again = await tranship(['copy', ...target, ...sourceAt, ...profile], { env });
    assert.match(again.stdout, /^copied 0 snapshots .*; 2 were copied before$/m);
    const without = await tranship(['copy', ...target, ...sourceAt], { env });
    assert.notEqual(without.code, 0, 'the target’s credentials opened the source');
  });
});
