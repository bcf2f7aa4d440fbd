import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Interrupt } from '../../src/cli/interrupt.ts';
import { acquireLock } from '../../src/repository/locks.ts';
import { Repository } from '../../src/repository/repository.ts';
import { openStore } from '../../src/providers/objects/open.ts';
import { runInTerminal, terminalProgram } from '../support/terminal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { message, shell, testPassword, tranship } from '../support/tranship.ts';

describe('an interrupt', () => {
  it('the first signal aborts, the second ends the process', () => {
    const exits: number[] = [];
    const interrupt = new Interrupt((code) => exits.push(code));
    assert.equal(interrupt.exitCode, undefined);
    interrupt.receive('SIGTERM');
    assert.deepEqual([interrupt.signal.aborted, interrupt.exitCode, exits.length], [true, 143, 0]);
    interrupt.receive('SIGINT');
    assert.deepEqual(exits, [130]);
  });

  it('an output that nobody reads kept a process whose work was interrupted', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const exits: number[] = [];
    const [undisturbed, stopped] = [0, 1].map(() => new Interrupt((code) => exits.push(code)));
    stopped?.receive('SIGTERM');
    for (const interrupt of [undisturbed, stopped]) interrupt?.close();
    t.mock.timers.tick(2000);
    assert.deepEqual(exits, [], 'a slow reader gets the rest');
    t.mock.timers.tick(2000);
    assert.deepEqual(exits, [143]);
  });

  it('a closed output aborts and leaves the signals their meaning', () => {
    const exits: number[] = [];
    const interrupt = new Interrupt((code) => exits.push(code));
    interrupt.stop('SIGPIPE');
    assert.equal(interrupt.exitCode, 141);
    interrupt.receive('SIGINT');
    assert.deepEqual([interrupt.exitCode, exits.length], [130, 0]);
  });
});

describe('a running command', () => {
  const cleanups: (() => void)[] = [];
  const folder = temporaryFolder({ after: (work: () => void) => void cleanups.push(work) });
  const location = join(folder, 'repository');
  const source = join(folder, 'source');

  before(async () => {
    mkdirSync(source);
    for (let index = 0; index < 3000; index++)
      writeFileSync(join(source, `${index}-${'name'.repeat(20)}`), '');
    assert.equal((await tranship(['init', '-r', location])).code, 0);
  });

  after(() => {
    for (const cleanup of cleanups) cleanup();
  });

  const files = (name: string): string[] =>
    existsSync(join(location, name)) ? readdirSync(join(location, name)) : [];

  it('SIGINT ends a pass in order: no lock stays, no snapshot is written', async () => {
    const { code, stderr } = await tranship(['stage', '-r', location, source, '--json'], {
      // The first status comes before the lock has settled.
      onStdout: (_, child) => child.kill('SIGINT'),
    });
    const { code: named, message: text } = message(stderr, 'exit_error');
    assert.deepEqual([code, named, text], [130, 130, 'interrupted']);
    assert.deepEqual([files('locks'), files('snapshots')], [[], []]);
  });

  it('waits for a lock, and ends with 11 or, by SIGTERM, with 143', async () => {
    const repository = await Repository.open(await openStore(location), { password: testPassword });
    const lock = await acquireLock(repository, { exclusive: true, keeper: 'in-process' });
    try {
      const refused = await tranship(['snapshots', '-r', location]);
      assert.match(refused.stderr, /locked exclusively by PID \d+ .*tranship unlock/);
      assert.equal(refused.code, 11);
      assert.equal((await tranship(['snapshots', '-r', location, '--no-lock'])).code, 0);
      const waiting = await tranship(['stage', '-r', location, source, '--json', '--retry-lock', '5m'], {
        onStdout: (_, child) => child.kill('SIGTERM'),
      });
      assert.equal(waiting.code, 143);
      assert.equal(files('locks').length, 1);
    } finally {
      await lock.release();
    }
  });

  it('unlock removes the locks of others only when told so', async () => {
    const repository = await Repository.open(await openStore(location), { password: testPassword });
    const lock = await acquireLock(repository, { keeper: 'in-process' });
    const kept = await tranship(['unlock', '-r', location]);
    assert.match(kept.stdout, /no lock to remove/);
    const removed = await tranship(['unlock', '-r', location, '--remove-all', '--json']);
    assert.deepEqual(message(removed.stdout, 'summary')['locks_removed'], [lock.id]);
    assert.deepEqual(files('locks'), []);
    await lock.release();
  });

  it('ends quietly when nobody reads its output any more', async () => {
    assert.equal((await tranship(['stage', '-r', location, source, '-q'])).code, 0);
    const { code, stderr } = await tranship(['ls', '-r', location, 'latest'], {
      onStdout: (_, child) => child.stdout?.destroy(),
    });
    assert.deepEqual([code, stderr], [141, '']);
    assert.deepEqual(files('locks'), []);
  });

  it('says when its output cannot be written', async () => {
    const { code, stderr } = await shell(`tranship snapshots -r '${location}' > /dev/full`);
    assert.match(stderr, /^tranship: .*ENOSPC/m);
    assert.equal(code, 1);
  });
});

const hasTerminal = spawnSync(terminalProgram, ['--version']).status === 0;

describe(
  'on a terminal',
  { skip: hasTerminal ? false : 'the program `script` of util-linux is not installed' },
  () => {
    it('init asks for the password twice, and the others once; nothing typed is shown', async (t) => {
      const folder = temporaryFolder(t);
      const location = join(folder, 'repository');
      const answers = ['geheim\r', 'geheim\r'];
      const made = await runInTerminal(['init', '-r', location], { answers });
      assert.match(made.shown, /repository password: \s+the same again: \s+.*created repository/s);
      assert.doesNotMatch(made.shown, /geheim/);
      assert.equal(made.code, 0);
      const wrong = await runInTerminal(['snapshots', '-r', location], { answers: ['nichts\r'] });
      assert.equal(wrong.code, 12);
      const stopped = await runInTerminal(['snapshots', '-r', location], { answers: ['\u0003'] });
      assert.equal(stopped.code, 130);
      const differing = await runInTerminal(['init', '-r', join(folder, 'b')], { answers: ['a\r', 'b\r'] });
      assert.match(differing.shown, /the two passwords differ/);
      assert.equal(differing.code, 2);
    });

    it('a pass shows a progress line and takes it away again', async (t) => {
      const folder = temporaryFolder(t);
      const location = join(folder, 'repository');
      await tranship(['init', '-r', location]);
      writeFileSync(join(folder, 'file'), 'contents');
      const env = { TRANSHIP_PASSWORD: testPassword };
      const { shown, code } = await runInTerminal(['stage', '-r', location, join(folder, 'file')], { env });
      assert.match(shown, /\r\u001b\[K\[0:0\d\] .* files .*\r\u001b\[KFiles: /s);
      assert.equal(code, 0);
    });
  },
);
