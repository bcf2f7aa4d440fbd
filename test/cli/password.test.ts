import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CancelledError, UsageError } from '../../src/base/errors.ts';
import { takeEnvironment } from '../../src/cli/environment.ts';
import { promptPassword } from '../../src/cli/password-prompt.ts';
import { resolvePassword } from '../../src/cli/password.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const nothing = takeEnvironment({});
const print = (text: string): string => `"${process.execPath}" -e "process.stdout.write('${text}')"`;

describe('the password', () => {
  it('comes from options before the environment, and from ours before restic’s', async (t) => {
    const file = join(temporaryFolder(t), 'password');
    writeFileSync(file, '  from file \r\n');
    const both = takeEnvironment({ RESTIC_PASSWORD: 'restic', TRANSHIP_PASSWORD: 'ours' });
    const onlyRestic = takeEnvironment({ RESTIC_PASSWORD_FILE: file });
    assert.equal(await resolvePassword({ file, environment: both }), 'from file');
    assert.equal(await resolvePassword({ command: print(' printed '), environment: both }), 'printed');
    assert.equal(await resolvePassword({ environment: both }), 'ours');
    assert.equal(await resolvePassword({ environment: onlyRestic }), 'from file');
    assert.equal(
      await resolvePassword({ environment: takeEnvironment({ RESTIC_PASSWORD_COMMAND: print('x') }) }),
      'x',
    );
  });

  it('is taken out of the environment that other programs inherit', () => {
    const variables: NodeJS.ProcessEnv = {
      TRANSHIP_PASSWORD: 'a',
      RESTIC_PASSWORD: 'b',
      TRANSHIP_NEW_PASSWORD: 'd',
      OTHER: 'c',
    };
    takeEnvironment(variables);
    assert.deepEqual(variables, { OTHER: 'c' });
  });

  it('a file in UTF-16 is read as restic reads it', async (t) => {
    const file = join(temporaryFolder(t), 'password');
    writeFileSync(file, Buffer.from('\ufeffgeheim\u0085\n', 'utf16le'));
    assert.equal(await resolvePassword({ file, environment: nothing }), 'geheim');
  });

  it('what gives no password is refused, without its arguments', async (t) => {
    const file = join(temporaryFolder(t), 'password');
    writeFileSync(file, ' \n');
    await assert.rejects(resolvePassword({ file, environment: nothing }), /password file is empty/);
    await assert.rejects(
      resolvePassword({ file: `${file}x`, environment: nothing }),
      /cannot read the password file/,
    );
    await assert.rejects(resolvePassword({ file, command: 'x', environment: nothing }), UsageError);
    await assert.rejects(resolvePassword({ command: '/nowhere/x secret', environment: nothing }), (error) => {
      return (
        error instanceof Error &&
        /password command failed/.test(error.message) &&
        !/secret/.test(error.message)
      );
    });
    const failing = `"${process.execPath}" -e "process.exit(3)"`;
    await assert.rejects(resolvePassword({ command: failing, environment: nothing }), /failed, exit 3/);
    await assert.rejects(resolvePassword({ command: print(''), environment: nothing }), /printed nothing/);
  });
});

class FakeTerminal extends EventEmitter {
  isRaw = false;
  isPaused = true;

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }

  setEncoding(): void {}

  resume(): void {
    this.isPaused = false;
  }

  pause(): void {
    this.isPaused = true;
  }
}

describe('the prompt', () => {
  const ask = (terminal: FakeTerminal, shown: string[], signal?: AbortSignal): Promise<string> =>
    promptPassword('password: ', terminal, (text) => shown.push(text), signal);

  it('shows nothing of what is typed, and leaves the terminal as it was', async () => {
    const terminal = new FakeTerminal();
    const shown: string[] = [];
    const answer = ask(terminal, shown);
    assert.equal(terminal.isRaw, true);
    terminal.emit('data', 'wrong\u0015x\u007fgeh');
    terminal.emit('data', 'eim ü\rnext line');
    assert.equal(await answer, 'geheim ü');
    assert.deepEqual(shown, ['password: ', '\n']);
    assert.deepEqual([terminal.isRaw, terminal.isPaused, terminal.listenerCount('data')], [false, true, 0]);
  });

  it('Ctrl-C and an aborted signal cancel, the end of input is no password', async () => {
    const terminal = new FakeTerminal();
    const interrupted = ask(terminal, []);
    terminal.emit('data', 'x\u0003');
    await assert.rejects(interrupted, CancelledError);
    const controller = new AbortController();
    const aborted = ask(terminal, [], controller.signal);
    controller.abort();
    await assert.rejects(aborted, CancelledError);
    const ended = ask(terminal, []);
    terminal.emit('data', '\u0004');
    await assert.rejects(ended, UsageError);
    assert.equal(terminal.isRaw, false);
  });
});
