import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineCommand } from '../../src/cli/command.ts';
import type { Command } from '../../src/cli/command.ts';
import { loadCommandSections, loadCommands } from '../../src/cli/commands.ts';
import { exitCodeMeanings } from '../../src/cli/exit-code.ts';
import { commandHelp, generalHelp } from '../../src/cli/help.ts';
import { tranship } from '../support/tranship.ts';

const columns = 80;

async function everyCommand(): Promise<readonly Command[]> {
  return (await loadCommands()).flatMap((command) => [command, ...(command.subcommands ?? [])]);
}

function assertFits(page: string, name: string): void {
  for (const line of page.split('\n')) {
    // A word that is longer than the line cannot be broken.
    assert.ok(line.length <= columns || /^ *\S+$/.test(line), `${name}: ${line}`);
    assert.equal(line, line.trimEnd(), name);
  }
}

/** The words of a page, however its lines are broken. */
function wordsOf(page: string): string {
  return page.replace(/ \\\n/g, ' ').replace(/\s+/g, ' ');
}

describe('the help of every command', () => {
  it('has every option with its meaning and default, once', async () => {
    for (const command of await everyCommand()) {
      const page = commandHelp(command);
      if (command.subcommands !== undefined) continue;
      const words = wordsOf(page);
      const options = page.slice(0, page.indexOf('\nExamples:')).split('\n');
      for (const [name, spec] of Object.entries(command.options)) {
        const row = new RegExp(`^ {2}(-\\w, | {4})--${name}(,| |$)`);
        const lines = options.filter((line) => row.test(line));
        assert.equal(lines.length, 1, `${command.name} --${name}`);
        assert.ok(words.includes(` ${wordsOf(spec.help)}`), `${command.name} --${name}: ${spec.help}`);
        if (spec.kind === 'flag') continue;
        assert.ok(words.includes(`--${name} ${spec.placeholder} `) || (spec.aliases ?? []).length > 0, name);
        if (spec.default !== undefined) assert.ok(words.includes(`default: ${spec.default})`), name);
      }
    }
  });

  it('has the sections of a manual page, in their order', async () => {
    for (const command of await everyCommand()) {
      const page = commandHelp(command);
      const titles = [...page.matchAll(/^([A-Z][a-z ]+):$/gm)].map(([, title]) => title);
      const expected = ['Usage', 'Environment', 'Exit codes', 'Examples', 'See also'];
      assert.deepEqual(
        titles.filter((title) => expected.includes(title ?? '')),
        expected,
        command.name,
      );
      assert.ok(page.startsWith(`tranship ${command.name} - ${command.summary.slice(0, 20)}`), command.name);
      for (const code of Object.keys(exitCodeMeanings))
        assert.match(page, new RegExp(`^ +${code} {2}\\S`, 'm'));
      const words = wordsOf(page);
      for (const { command: line, does } of command.examples) {
        assert.ok(words.includes(wordsOf(`${does}: ${line}`)), `${command.name}: ${line}`);
      }
      for (const { name, help } of command.operands)
        assert.ok(words.includes(`${name} `) && help !== '', name);
    }
  });

  it('fits into 80 columns', async () => {
    for (const command of await everyCommand()) assertFits(commandHelp(command), command.name);
    assertFits(generalHelp(await loadCommandSections()), 'help');
  });

  it('breaks a long command line so that a shell still understands it', () => {
    const command = `tranship probe --option '${'quoted words '.repeat(3)}' ${'--tag volume=data '.repeat(4)}"a b"`;
    const page = commandHelp(
      defineCommand({
        name: 'probe',
        summary: 'probe',
        operands: [],
        options: {},
        examples: [{ command, does: 'probes' }],
        run: () => Promise.resolve(0),
      }),
    );
    assertFits(page, 'probe');
    assert.ok(page.replace(/ \\\n +/g, ' ').includes(command));
    assert.doesNotMatch(page, /--tag \\$/m);
  });
});

describe('tranship help', () => {
  it('shows the command of a group, by either way, and refuses one that is none', async () => {
    const [byHelp, byOption, group, none] = await Promise.all([
      tranship(['help', 'key', 'add']),
      tranship(['-r', 'x', 'key', '--user', 'passwd', 'add', '--help']),
      tranship(['key', '-h']),
      tranship(['help', 'key', 'frobnicate']),
    ]);
    assert.match(byHelp.stdout, /^tranship key add - /);
    assert.equal(byOption.stdout, byHelp.stdout);
    assert.match(group.stdout, /^ {2}passwd +change the password$/m);
    assert.match(none.stderr, /^tranship: unknown command of `key`: frobnicate \(one of: list, /);
    assert.deepEqual([byHelp.code, byOption.code, group.code, none.code], [0, 0, 0, 2]);
  });

  it('lists every command under a heading', async () => {
    const sections = await loadCommandSections();
    const page = generalHelp(sections);
    for (const { title, commands } of sections) {
      assert.ok(commands.length > 0 && page.includes(`\n${title}:\n`), title);
    }
    for (const { name } of await loadCommands()) assert.match(page, new RegExp(`^ {2}${name} +\\S`, 'm'));
  });
});
