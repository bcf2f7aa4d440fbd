import { UsageError } from '../../base/errors.ts';
import { defineCommand } from '../command.ts';
import { commonOptions } from '../common-options.ts';
import { exitCode } from '../exit-code.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export const command = defineCommand({
  name: 'completion',
  summary: 'print a script that completes command lines in a shell',
  operands: [{ name: 'SHELL', help: 'bash, zsh or fish', choices: shells }],
  description: [
    'The script knows all commands and options and runs nothing when it completes; print it again after an upgrade.',
  ],
  options: commonOptions,
  files: [
    { name: '~/.local/share/bash-completion/completions/tranship', help: 'where bash looks for it' },
    { name: '~/.config/fish/completions/tranship.fish', help: 'where fish looks for it' },
    { name: '_tranship in a folder of $fpath', help: 'where zsh looks for it' },
  ],
  examples: [
    { command: 'source <(tranship completion bash)', does: 'completes in this shell' },
    {
      command: 'tranship completion zsh > ~/.zfunc/_tranship',
      does: 'completes in every zsh with ~/.zfunc in its $fpath',
    },
    {
      command: 'tranship completion fish > ~/.config/fish/completions/tranship.fish',
      does: 'completes in every fish',
    },
  ],
  run: async (args, { output }) => {
    const [name, ...more] = args.operands;
    const shell = shells.find((candidate) => candidate === name);
    if (shell === undefined || more.length > 0) {
      throw new UsageError(name === undefined ? 'no shell was named' : 'there is no script for this shell', {
        ...(name === undefined ? {} : { where: args.operands.join(' ') }),
        advice: `one of: ${shells.join(', ')}`,
      });
    }
    const { completionScript } = await import('../completion/completion-script.ts');
    output.raw(await completionScript(shell));
    return exitCode.done;
  },
});
