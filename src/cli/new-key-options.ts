import type { NewKeyOptions } from '../repository/repository-keys.ts';
import type { Arguments } from './arguments.ts';
import type { CommandContext, NamedText } from './command.ts';
import type { lockOptions } from './common-options.ts';
import { retryLockMs } from './open-repository.ts';
import type { OptionTable } from './option-table.ts';
import { resolveNewPassword } from './password.ts';
import { weakScryptCost } from './weak-scrypt.ts';

/** For the commands that make a key. */
export const newKeyOptions = {
  'new-password-file': {
    kind: 'value',
    placeholder: 'FILE',
    default: 'TRANSHIP_NEW_PASSWORD, or ask twice',
    help: 'a file that holds the new password',
  },
  'new-password-command': {
    kind: 'value',
    placeholder: 'COMMAND',
    help: 'a program that prints the new password, run without a shell',
  },
  user: { kind: 'value', placeholder: 'NAME', default: 'this user', help: 'who the key says made it' },
  host: { kind: 'value', placeholder: 'NAME', default: 'this host', help: 'where the key says it was made' },
} as const satisfies OptionTable;

export const newKeyEnvironment: readonly NamedText[] = [
  { name: 'TRANSHIP_NEW_PASSWORD', help: 'the new password, where no option names it' },
];

/** Asks for the new password where nothing names it; to be called when the old one is known to be right. */
export async function newKeyOptionsOf(
  args: Arguments<typeof newKeyOptions & typeof lockOptions>,
  context: CommandContext,
): Promise<NewKeyOptions> {
  return {
    password: await resolveNewPassword({
      file: args.value('new-password-file'),
      command: args.value('new-password-command'),
      environment: context.environment,
      signal: context.signal,
    }),
    username: args.value('user'),
    hostname: args.value('host'),
    scryptCost: weakScryptCost(context),
    retryLockMs: retryLockMs(args),
    signal: context.signal,
  };
}
