import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { findSnapshot, saveSnapshot } from '../../src/repository/snapshots.ts';
import { peerSuite } from '../support/peers.ts';
import { initQuickly, openQuickly } from '../support/quick-repository.ts';
import { PEER_PASSWORD, Restic, Rustic, jsonLines } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { messages, tranship as runTranship } from '../support/tranship.ts';
import { stageWell } from './own-pass.ts';

const rusticMember = /"label":"from rustic"/;

peerSuite(['restic-newest', 'rustic'], 'keys and tags beside restic and rustic', (binaries) => {
  const openers = (location: string, password?: string) => ({
    restic: new Restic({ binary: binaries['restic-newest'], repository: location, password }),
    rustic: new Rustic({ binary: binaries.rustic, repository: location, password }),
  });

  it('tags that each of the three changes are read by the others', async (t) => {
    const folder = temporaryFolder(t);
    const location = join(folder, 'repository');
    const source = join(folder, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'contents');
    const repository = await initQuickly(location, { chunker: 'rabin' });
    const { restic, rustic } = openers(location);
    const staged = await stageWell(repository, { paths: [source], storeAs: '/data', tags: ['ours'] });
    const tranship = { note: 'ours' };
    const snapshotId = await saveSnapshot(repository, {
      ...(await findSnapshot(repository, staged.snapshotId)),
      tranship,
    });
    await repository.removeDocument('snapshots', staged.snapshotId);
    await rustic.backup([source], ['--label', 'from rustic', '--tag', 'theirs']);
    await restic.backup([source], ['--tag', 'restic']);

    const env = { TRANSHIP_REPOSITORY: location, TRANSHIP_PASSWORD: PEER_PASSWORD };
    const tagged = await runTranship(['tag', '--add', 'kept,ü', '--remove', 'theirs', '--json'], { env });
    assert.deepEqual([tagged.stderr, tagged.code], ['', 0]);
    const printed = messages(tagged.stdout);
    assert.deepEqual(printed.at(-1), { message_type: 'summary', changed_snapshots: 3 });
    assert.deepEqual(Object.keys(printed[0] ?? {}), ['message_type', 'old_snapshot_id', 'new_snapshot_id']);

    const seen = await restic.snapshots();
    const tagLists = seen.map(({ tags }) => (tags ?? []).join());
    assert.deepEqual(tagLists.sort(), ['kept,ü', 'ours,kept,ü', 'restic,kept,ü']);
    const own = await findSnapshot(repository, 'latest', { tags: [['ours']] });
    assert.equal(own.original, snapshotId);
    assert.deepEqual({ ...own.tranship }, tranship);
    const theirs = await findSnapshot(repository, 'latest', { tags: [['kept']], paths: [source] });
    assert.notEqual(theirs.original, undefined);
    const labelled = await Promise.all(
      seen.map(async ({ id }) => Buffer.from(await repository.loadDocument('snapshots', id)).toString()),
    );
    assert.equal(labelled.filter((json) => rusticMember.test(json)).length, 1);

    assert.match((await rustic.run(['snapshots', '--json'])).stdout.toString(), /"kept"/);
    await rustic.check([]);
    const theirTag = jsonLines((await restic.run(['tag', '--add', 'back', '--json', own.id])).stdout);
    assert.equal(theirTag.at(-1)?.['changed_snapshots'], 1);
    const back = await findSnapshot(repository, 'latest', { tags: [['back']] });
    assert.equal(back.original, snapshotId);
    await restic.check(['--read-data']);
    await repository.store.close();
  });

  it('keys that each of the three makes open it for the others, and are listed alike', async (t) => {
    const folder = temporaryFolder(t);
    const location = join(folder, 'repository');
    const file = join(folder, 'new-password');
    const env = { TRANSHIP_REPOSITORY: location, TRANSHIP_PASSWORD: PEER_PASSWORD };
    await (await initQuickly(location)).store.close();
    writeFileSync(file, 'new\n');
    const added = await runTranship(
      ['key', 'add', '--new-password-file', file, '--user', 'u', '--host', 'h'],
      {
        env,
      },
    );
    assert.match(added.stdout, /^saved new key with ID [0-9a-f]{64}\n$/);
    const { restic, rustic } = openers(location, 'new');
    await rustic.run(['snapshots']);
    writeFileSync(file, 'of restic');
    await restic.run(['key', 'add', '--new-password-file', file]);

    const ours = await runTranship(['key', 'list', '--json'], { env: { ...env, TRANSHIP_PASSWORD: 'new' } });
    const theirs = await restic.run(['key', 'list', '--json']);
    const sorted = (text: string): unknown[] =>
      JSON.parse(text).sort((a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(sorted(ours.stdout), sorted(theirs.stdout.toString()));
    assert.equal(sorted(ours.stdout).length, 3);

    const changed = await runTranship(['key', 'passwd'], {
      env: { ...env, TRANSHIP_PASSWORD: 'of restic', TRANSHIP_NEW_PASSWORD: 'last' },
    });
    assert.deepEqual([changed.stderr, changed.code], ['', 0]);
    await openers(location, 'last').restic.run(['check']);
    await openers(location, 'of restic').restic.run(['snapshots'], { expectedExitCodes: [12] });
    await (await openQuickly(location)).store.close();
  });
});
