import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadCommands } from '../../src/cli/commands.ts';
import { completionScript } from '../../src/cli/completion/completion-script.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tranship } from '../support/tranship.ts';

/** Completes each line of words, the last of which is what stands before the cursor; one line of answers each. */
const driver = `
complete_words() {
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
  _tranship
  (IFS='|'; printf '%s\\n' "\${COMPREPLY[*]}")
}
`;

describe('the completion of bash', () => {
  const cleanups: (() => void)[] = [];
  const folder = temporaryFolder({ after: (work: () => void) => void cleanups.push(work) });

  before(() => {
    mkdirSync(join(folder, 'a folder'));
    writeFileSync(join(folder, 'a file'), '');
  });

  after(() => {
    for (const cleanup of cleanups) cleanup();
  });

  /** No PATH: a program that the script started would fail it. */
  async function complete(...lines: readonly (readonly string[])[]): Promise<string[][]> {
    const quote = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;
    const calls = lines.map((words) => `complete_words tranship ${words.map(quote).join(' ')}`);
    const script = [await completionScript('bash'), driver, ...calls].join('\n');
    const options = { cwd: folder, env: { PATH: '' }, encoding: 'utf8', input: '' } as const;
    const printed = execFileSync('/bin/bash', ['--norc', '-euo', 'pipefail', '-c', script], options);
    const answers = printed.split('\n').slice(0, -1);
    assert.equal(answers.length, lines.length);
    return answers.map((line) => (line === '' ? [] : line.split('|')));
  }

  it('knows commands, also of a group and behind options with values', async () => {
    const names = (await loadCommands()).map(({ name }) => name);
    const [all, group, behind, inGroup, help] = await complete(
      [''],
      ['key', ''],
      ['-r', 'key', '--json', 'sna'],
      ['key', '--user', 'passwd', 'ad'],
      ['help', 'ke'],
    );
    assert.deepEqual(all, [...names, 'help']);
    assert.deepEqual(group, ['list', 'add', 'remove', 'passwd']);
    assert.deepEqual([behind, inGroup, help], [['snapshots'], ['add'], ['key']]);
  });

  it('knows every option of every command', async () => {
    const commands = (await loadCommands()).flatMap((command) => [command, ...(command.subcommands ?? [])]);
    const answers = await complete(...commands.map(({ name }) => [...name.split(' '), '--']));
    for (const [index, { name, options }] of commands.entries()) {
      const expected = Object.entries(options).flatMap(([long, { aliases = [] }]) =>
        [long, ...aliases].map((option) => `--${option}`),
      );
      assert.deepEqual(answers[index]?.toSorted(), expected.sort(), name);
    }
  });

  it('offers files, folders or words where an option or a command takes them', async () => {
    const answers = await complete(
      ['stage', 'a f'],
      ['init', '-r', 'a f'],
      ['init', '--password-file', 'a f'],
      ['restore', '--target', '=', 'a f'],
      ['restore', '--target', '='],
      ['init', '--chunker', 'r'],
      ['init', '--chunker', '=', 'f'],
      ['completion', ''],
      ['stage', '--host', 'a f'],
      ['restore', 'a f'],
      ['stage', '--', '--ho'],
    );
    assert.deepEqual(
      answers.map((words) => words.toSorted()),
      [
        ['a file', 'a folder'],
        ['a folder'],
        ['a file', 'a folder'],
        ['a folder'],
        ['a folder'],
        ['rabin'],
        ['fastcdc'],
        ['bash', 'fish', 'zsh'],
        [],
        [],
        [],
      ],
    );
  });

  it('is not confused by words that bash splits at colons and equal signs', async () => {
    const answers = await complete(
      ['-r', 's3', ':', '//bucket/prefix', 'compl'],
      ['stage', '--tag', 'a', '=', 'b', '--hos'],
      ['restore', 'latest', ':', '/data', '--targ'],
      ['--repository', '=', 'local', ':', '/srv', 'uml'],
      ['--repository', '=', 'local', ':', '/srv', 'unl'],
    );
    assert.deepEqual(answers, [['completion'], ['--host'], ['--target'], [], ['unlock']]);
  });
});

describe('tranship completion', () => {
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const absent = spawnSync(shell, ['--version']).error !== undefined;
    const reason = `${shell} is not installed: its completion script is not checked`;
    if (absent) process.stderr.write(`SKIPPED: ${reason}\n`);
    it(`prints a script that ${shell} can read`, { skip: absent ? reason : false }, async () => {
      const input = await completionScript(shell);
      const { status, stderr } = spawnSync(shell, ['-n'], { input, encoding: 'utf8' });
      assert.deepEqual([stderr, status], ['', 0]);
    });
  }

  it('has every command and option in every script', async () => {
    const scripts = await Promise.all((['bash', 'zsh', 'fish'] as const).map(completionScript));
    for (const { name, options } of await loadCommands()) {
      for (const script of scripts) assert.ok(script.includes(name), name);
      for (const option of Object.keys(options)) {
        for (const script of scripts) assert.match(script, new RegExp(`(--|-l )${option}\\b`));
      }
    }
  });

  it('is printed by the command, and another shell is refused', async () => {
    const [printed, other, none] = await Promise.all([
      tranship(['completion', 'bash']),
      tranship(['completion', 'csh']),
      tranship(['completion']),
    ]);
    assert.equal(printed.stdout, `${await completionScript('bash')}\n`);
    assert.match(
      other.stderr,
      /^tranship: there is no script for this shell: csh \(one of: bash, zsh, fish\)\n$/,
    );
    assert.match(none.stderr, /^tranship: no shell was named \(one of: bash, zsh, fish\)\n$/);
    assert.deepEqual([printed.code, other.code, none.code], [0, 2, 2]);
  });
});
