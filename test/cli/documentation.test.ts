import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Command } from '../../src/cli/command.ts';
import { loadCommands } from '../../src/cli/commands.ts';
import { exitCodeMeanings } from '../../src/cli/exit-code.ts';
import { optionGroups } from '../../src/cli/option-groups.ts';
import { storeSettingNames } from '../../src/cli/store-settings.ts';
import { projectText } from '../support/project-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { shell } from '../support/tranship.ts';

const page = projectText('docs/cli.md');
const prose = page.replace(/^```[^]*?^```$/gm, '');

async function everyCommand(): Promise<readonly Command[]> {
  return (await loadCommands()).flatMap((command) => [command, ...(command.subcommands ?? [])]);
}

describe('docs/cli.md', () => {
  it('its examples run', async (t) => {
    const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, script = '']) => script);
    assert.ok(blocks.length >= 2);
    const env = { TRANSHIP_PASSWORD: undefined };
    const { code, stdout, stderr } = await shell(blocks.join('\n'), { cwd: temporaryFolder(t), env });
    assert.equal(stderr, '');
    assert.match(stdout, /the target is equal to the snapshot/);
    assert.equal(code, 0);
  });

  it('names every command and every option, and no other', async () => {
    const known = new Set<string>();
    for (const { name, options } of await everyCommand()) {
      assert.match(prose, new RegExp(`^### ${name}\\b`, 'm'));
      for (const [long, { aliases = [] }] of Object.entries(options)) {
        for (const option of [long, ...aliases]) known.add(`--${option}`);
      }
    }
    const named = new Set(prose.match(/--[a-z][a-z-]*/g));
    named.delete('--name');
    assert.deepEqual([...named].sort(), [...known].sort());
  });

  it('names every environment variable that the help names', async () => {
    for (const { environment } of [...optionGroups, ...(await everyCommand())]) {
      const names = (environment ?? []).flatMap(({ name }) => name.split(', '));
      for (const name of names) assert.match(prose, new RegExp(`\\b${name}\\b`));
    }
  });

  it('and docs/providers.md name every setting of a store', () => {
    for (const document of [page, projectText('docs/providers.md')]) {
      for (const name of storeSettingNames) assert.ok(document.includes(name), name);
    }
  });

  it('names every exit code', () => {
    for (const code of Object.keys(exitCodeMeanings))
      assert.match(prose, new RegExp(`^\\| ${code} \\| `, 'm'));
  });
});
