import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { commandNames, loadCommands } from '../../src/cli/commands.ts';
import { projectText } from '../support/project-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { message, tranship } from '../support/tranship.ts';

const version: unknown = JSON.parse(projectText('package.json')).version;

describe('tranship', () => {
  it('--version prints the version, and loads neither native code nor a command', async (t) => {
    const hook = join(temporaryFolder(t), 'hook.cjs');
    writeFileSync(
      hook,
      `process.on('exit', () => {
        const maps = require('fs').readFileSync('/proc/self/maps', 'utf8');
        process.stderr.write('koffi=' + /koffi/.test(maps));
      });`,
    );
    const { code, stdout, stderr } = await tranship(['--version'], {
      env: { NODE_OPTIONS: `--require=${hook}` },
    });
    assert.equal(stdout, `tranship ${String(version)}\n`);
    assert.match(stderr, /koffi=false/);
    assert.equal(code, 0);
  });

  it('help names every command, and each has a page', async () => {
    const general = await tranship(['help']);
    for (const name of commandNames) assert.match(general.stdout, new RegExp(`^  ${name} +\\S`, 'm'));
    const [byHelp, byOption] = await Promise.all([
      tranship(['help', 'restore']),
      tranship(['restore', '--target', 'x', '-h']),
    ]);
    assert.equal(byHelp.stdout, byOption.stdout);
    assert.match(byHelp.stdout, /^Usage:\n {2}tranship restore \[option\.\.\.\] SNAPSHOT/m);
    assert.deepEqual([general.code, byHelp.code, byOption.code], [0, 0, 0]);
  });

  it('no two options of a command share a letter or a name, and every help fits', async () => {
    for (const { name, options, examples } of await loadCommands()) {
      const names = Object.entries(options).flatMap(([long, { short, aliases = [] }]) => [
        long,
        ...aliases,
        ...(short === undefined ? [] : [short]),
      ]);
      assert.equal(new Set(names).size, names.length, name);
      assert.ok(examples.length > 0, name);
    }
  });

  it('wrong usage ends with 2 and one line that says what to do', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [[], /no command was given \(one of: init, /],
      [['frobnicate'], /unknown command: frobnicate \(one of: init, /],
      [['help', 'toString'], /unknown command: toString/],
      [['ls', '--long', '--wide', 'latest'], /unknown option: --wide \(see `tranship help ls`\)/],
      [['restore', 'latest'], /the option --target is missing/],
      [['stage'], /nothing to stage was named/],
      [['snapshots'], /no repository was given \(use -r LOCATION or TRANSHIP_REPOSITORY\)/],
      [['init', '-r', 'sftp:host:/'], /not supported yet/],
      [['init', '-r', 'x', 'y'], /too many arguments: y/],
      [['stage', '-r', 'x', '--pack-size', 'big', 'y'], /--pack-size takes a whole number/],
      [['stage', '-r', 'x', '--exclude', '[', 'y'], /malformed pattern/],
      [['check', '-r', 'x', '--read-data', '--read-data-subset', '1/2'], /exclude each other/],
    ];
    const results = await Promise.all(cases.map(([args]) => tranship(args)));
    for (const [index, { code, stdout, stderr }] of results.entries()) {
      const [args, expected] = cases[index] ?? [[], /never/];
      assert.match(stderr, expected);
      assert.match(stderr, /^tranship: [^\n]*\n$/);
      assert.equal(stdout, '', args.join(' '));
      assert.equal(code, 2, args.join(' '));
    }
  });

  it('without a terminal nobody is asked for the password', async (t) => {
    const env = { TRANSHIP_PASSWORD: undefined };
    const { code, stderr } = await tranship(['init', '-r', temporaryFolder(t)], { env });
    assert.match(stderr, /no password was given \(use --password-file/);
    assert.equal(code, 2);
  });

  it('with --json an error is restic’s exit_error', async (t) => {
    const location = join(temporaryFolder(t), 'none');
    const { code, stdout, stderr } = await tranship(['snapshots', '--json'], {
      env: { RESTIC_REPOSITORY: location },
    });
    const { code: named, message: text } = message(stderr, 'exit_error');
    assert.match(String(text), /there is no repository.*tranship init/);
    assert.deepEqual([code, named, stdout], [10, 10, '']);
  });

  it('a stack is shown for TRANSHIP_DEBUG=1 only', async (t) => {
    const args = ['snapshots', '-r', join(temporaryFolder(t), 'none')];
    assert.doesNotMatch((await tranship(args)).stderr, /\n {4}at /);
    assert.match((await tranship(args, { env: { TRANSHIP_DEBUG: '1' } })).stderr, /\n {4}at /);
  });
});
