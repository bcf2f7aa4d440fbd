import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, after, describe, it } from 'node:test';
import { initQuickly } from '../support/quick-repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { runInTerminal, terminalProgram } from '../support/terminal.ts';
import { message, tranship } from '../support/tranship.ts';
import type { TranshipResult } from '../support/tranship.ts';

const hasTerminal = spawnSync(terminalProgram, ['--version']).status === 0;

describe('tranship key', () => {
  const cleanups: (() => void)[] = [];
  const folder = temporaryFolder({ after: (work: () => void) => void cleanups.push(work) });
  const location = join(folder, 'repository');

  before(async () => {
    await (await initQuickly(location)).store.close();
  });

  after(() => {
    for (const cleanup of cleanups) cleanup();
  });

  function run(
    args: readonly string[],
    env: Readonly<Record<string, string | undefined>> = {},
  ): Promise<TranshipResult> {
    return tranship(['key', ...args], { env: { TRANSHIP_REPOSITORY: location, ...env } });
  }

  async function succeed(...args: Parameters<typeof run>): Promise<string> {
    const { code, stdout, stderr } = await run(...args);
    assert.deepEqual([stderr, code], ['', 0]);
    return stdout;
  }

  it('adds, lists, changes and removes keys, and prints no password', async () => {
    const file = join(folder, 'second');
    writeFileSync(file, 'second secret\n');
    const added = await succeed(['add', '--new-password-file', file, '--user', 'audit\u001b', '--json']);
    const id = String(message(added, 'summary')['key_added']);
    const listed = await succeed(['list']);
    assert.match(listed, /^ ID +User +Host +Created$/m);
    assert.match(listed, /^\*[0-9a-f]{8} {2}/m);
    assert.match(listed, new RegExp(`^ ${id.slice(0, 8)} {2}audit\\\\x1b +\\S+ +\\d{4}-\\d\\d-\\d\\d `, 'm'));
    const inUse = await run(['remove', id.slice(0, 8)], { TRANSHIP_PASSWORD: 'second secret' });
    assert.match(inUse.stderr, /^tranship: the key in use cannot be removed: [^\n]*key passwd[^\n]*\n$/);
    assert.equal(inUse.code, 1);
    const printing = `"${process.execPath}" -e "console.log('third secret')"`;
    const changed = await succeed(['passwd', '--new-password-command', printing], {
      TRANSHIP_PASSWORD: 'second secret',
    });
    assert.match(changed, new RegExp(`^removed key ${id.slice(0, 8)}$`, 'm'));
    assert.equal((await run(['list'], { TRANSHIP_PASSWORD: 'second secret' })).code, 12);
    const keys: { id: string; current: boolean }[] = JSON.parse(
      await succeed(['list', '--json'], { TRANSHIP_PASSWORD: 'third secret' }),
    );
    const third = keys.find(({ current }) => current)?.id ?? '';
    assert.match(await succeed(['remove', third]), new RegExp(`^removed key ${third}$`, 'm'));
    assert.equal(readdirSync(join(location, 'keys')).length, 1);
    for (const text of [added, listed, changed, inUse.stderr]) assert.doesNotMatch(text, /secret/);
    assert.deepEqual(readdirSync(join(location, 'locks')), []);
  });

  it('bad input ends with one line that says what to do', async () => {
    const empty = join(folder, 'empty');
    writeFileSync(empty, ' \n');
    const cases: readonly (readonly [readonly string[], RegExp, number])[] = [
      [[], /no command of the group was named \(one of: list, add, remove, passwd\)/, 2],
      [['frobnicate'], /unknown command of `key`: frobnicate \(one of: /, 2],
      [['add', '--wide'], /unknown option: --wide \(see `tranship help key add`\)/, 2],
      [['add', 'x'], /too many arguments: x/, 2],
      [['add'], /no new password was given \(use --new-password-file, /, 2],
      [['add', '--new-password-file', empty], /the password file is empty/, 2],
      [['passwd', '--new-password-file', 'x', '--new-password-command', 'y'], /exclude each other/, 2],
      [['passwd', '--new-password-file', join(folder, 'none')], /cannot read the password file/, 1],
      [['remove'], /no key was named \(see `tranship key list`\)/, 2],
      [['remove', 'no-hex'], /not a key: no-hex \(give an id of hex digits/, 2],
      [['remove', '0123456789'], /there is no key of this id: 0123456789 \(list them with/, 1],
    ];
    // One after the other: each may hold the lock that the next one needs for itself.
    for (const [args, expected, expectedCode] of cases) {
      const { code, stdout, stderr } = await run(args);
      assert.match(stderr, expected);
      assert.match(stderr, /^tranship: [^\n]*\n$/);
      assert.deepEqual([stdout, code], ['', expectedCode], args.join(' '));
    }
    assert.equal(readdirSync(join(location, 'keys')).length, 1);
  });

  it('asks for the old password, then twice for the new one', { skip: !hasTerminal }, async () => {
    const answers = ['test\r', 'typed\r', 'typed\r'];
    const env = { TRANSHIP_REPOSITORY: location };
    const { shown, code } = await runInTerminal(['key', 'passwd'], { answers, env });
    assert.match(shown, /repository password: \s*new password: \s*the same again: /);
    assert.match(shown, /saved new key with ID/);
    assert.doesNotMatch(shown, /typed/);
    assert.equal(code, 0);
    const differing = await runInTerminal(['key', 'add'], { answers: ['typed\r', 'one\r', 'other\r'], env });
    assert.match(differing.shown, /the two passwords differ/);
    assert.equal(differing.code, 2);
  });
});
