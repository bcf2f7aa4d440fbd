import { loadCommands } from '../commands.ts';
import { bashScript } from './bash-script.ts';
import { completedCommands } from './completed-command.ts';
import { fishScript } from './fish-script.ts';
import { zshScript } from './zsh-script.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** A script for a shell, made of the tables of options; the shell runs nothing else when it completes. */
export async function completionScript(shell: keyof typeof scripts): Promise<string> {
  return scripts[shell](completedCommands(await loadCommands()));
}
