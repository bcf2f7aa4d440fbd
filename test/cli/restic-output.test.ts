import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { peerSuite } from '../support/peers.ts';
import { Restic, jsonLines } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { message, messages, testPassword, tranship } from '../support/tranship.ts';

peerSuite(['restic-newest'], 'what programs read of restic they can read of us', (paths) => {
  it('snapshots and ls print what restic prints, summaries have its members', async (t) => {
    const folder = temporaryFolder(t);
    const [repository, source] = [join(folder, 'repository'), join(folder, 'source')];
    mkdirSync(join(source, 'sub'), { recursive: true });
    writeFileSync(join(source, 'sub', 'fi"le\n'), 'contents', { mode: 0o4711 });
    symlinkSync('sub', join(source, 'link'));
    await tranship(['init', '-r', repository]);
    const staged = await tranship([
      'stage',
      '-r',
      repository,
      source,
      '--tag',
      'x',
      '--as',
      '/data',
      '--json',
    ]);

    const restic = new Restic({ binary: paths['restic-newest'], repository, password: testPassword });
    const theirs = await restic.run(['snapshots', '--json', '--no-lock']);
    const ours = await tranship(['snapshots', '-r', repository, '--json', '--no-lock']);
    assert.deepEqual(JSON.parse(ours.stdout), JSON.parse(theirs.stdout.toString()));

    const theirList = await restic.run(['ls', 'latest', '--json', '--no-lock']);
    const ourList = await tranship(['ls', '-r', repository, 'latest', '--json', '--no-lock']);
    assert.deepEqual(messages(ourList.stdout), jsonLines(theirList.stdout));

    const theirSummary = await restic.backup([source], ['--no-scan']);
    const ourMembers = Object.keys(message(staged.stdout, 'summary'));
    assert.deepEqual(
      Object.keys(theirSummary).filter((member) => !ourMembers.includes(member)),
      [],
    );
  });

  it('exit codes are restic’s', async (t) => {
    const folder = temporaryFolder(t);
    const repository = join(folder, 'repository');
    await tranship(['init', '-r', repository]);
    for (const [location, password] of [
      [repository, 'wrong'],
      [join(folder, 'none'), testPassword],
    ] as const) {
      const restic = new Restic({ binary: paths['restic-newest'], repository: location, password });
      const { exitCode } = await restic.run(['snapshots', '--no-lock'], { expectedExitCodes: [10, 12] });
      const { code } = await tranship(['snapshots', '-r', location], {
        env: { TRANSHIP_PASSWORD: password },
      });
      assert.equal(code, exitCode);
    }
  });
});

peerSuite(['restic-oldest'], 'a version-1 repository', (paths) => {
  it('is upgraded by migrate upgrade-v2 alone', async (t) => {
    const repository = join(temporaryFolder(t), 'repository');
    const restic = new Restic({ binary: paths['restic-oldest'], repository, password: testPassword });
    await restic.init(1);
    const before = readFileSync(join(repository, 'config'));
    const upgraded = await tranship(['migrate', 'upgrade-v2', '-r', repository, '--json']);
    assert.equal(upgraded.stderr, '');
    assert.equal(message(upgraded.stdout, 'summary')['version'], 2);
    assert.notDeepEqual(readFileSync(join(repository, 'config')), before);
    assert.match((await restic.cat('config')).toString(), /"version": 2/);
  });
});
