import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stageWell } from '../interop/own-pass.ts';
import { initQuickly } from '../support/quick-repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { messages, tranship } from '../support/tranship.ts';
import type { TranshipResult } from '../support/tranship.ts';

describe('tranship tag', () => {
  const cleanups: (() => void)[] = [];
  const folder = temporaryFolder({ after: (work: () => void) => void cleanups.push(work) });
  const location = join(folder, 'repository');
  const source = join(folder, 'source');

  before(async () => {
    mkdirSync(source);
    const repository = await initQuickly(location);
    await stageWell(repository, { paths: [source], hostname: 'node-1', tags: ['one'] });
    await stageWell(repository, { paths: [source], hostname: 'node-2' });
    await repository.store.close();
  });

  after(() => {
    for (const cleanup of cleanups) cleanup();
  });

  function run(...args: readonly string[]): Promise<TranshipResult> {
    return tranship(['tag', ...args], { env: { TRANSHIP_REPOSITORY: location } });
  }

  it('changes what is chosen, and says how many', async () => {
    const added = await run('--add', 'two,three', '--host', 'node-1', '-v');
    assert.match(added.stdout, /^snapshot [0-9a-f]{8} is now [0-9a-f]{8}: one, two, three$/m);
    assert.match(added.stdout, /^modified 1 snapshots$/m);
    const dry = await run('--set', '', '--dry-run', '--json');
    assert.deepEqual(
      messages(dry.stdout).map((line) => Object.keys(line)),
      [
        ['message_type', 'old_snapshot_id'],
        ['message_type', 'changed_snapshots', 'dry_run'],
      ],
    );
    const none = await run('--set', '', 'latest', '--host', 'node-1');
    assert.equal(none.stdout, 'modified 1 snapshots\n');
    const again = await run('--remove', 'two');
    assert.equal(again.stdout, 'no snapshots were modified\n');
    assert.deepEqual([added.code, dry.code, none.code, again.code], [0, 0, 0, 0]);
  });

  it('bad input ends with one line that says what to do', async () => {
    const cases: readonly (readonly [readonly string[], RegExp, number])[] = [
      [[], /no change of tags was asked for \(set, add or remove some\)/, 2],
      [['--add', ''], /no change of tags was asked for/, 2],
      [['--set', ','], /--set names no tag: "," \(write --set '' to take all tags away\)/, 2],
      [['--set', 'a', '--add', 'b'], /tags are either set, or added and removed/, 2],
      [['--add', 'a', 'none'], /not a snapshot: none \(give `latest`, or an id/, 2],
      [['--add', 'a', '0123456789'], /there is no snapshot of this id/, 1],
    ];
    // One after the other: each may hold the lock that the next one needs for itself.
    for (const [args, expected, expectedCode] of cases) {
      const { code, stdout, stderr } = await run(...args);
      assert.match(stderr, expected);
      assert.match(stderr, /^tranship: [^\n]*\n$/);
      assert.deepEqual([stdout, code], ['', expectedCode], args.join(' '));
    }
  });

  it('a damaged snapshot file is named, the others are changed, and the exit code is 3', async () => {
    const id = 'ee'.repeat(32);
    writeFileSync(join(location, 'snapshots', id), 'damaged');
    const { code, stdout, stderr } = await run('--add', 'four');
    assert.match(stderr, new RegExp(`^error: [^\\n]*snapshots/${id}[^\\n]*\\n$`));
    assert.equal(stdout, 'modified 2 snapshots\n');
    assert.equal(code, 3);
  });
});
