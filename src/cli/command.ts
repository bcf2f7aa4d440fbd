import { UsageError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Arguments } from './arguments.ts';
import { parseArguments, splitCommandName } from './arguments.ts';
import type { Environment } from './environment.ts';
import type { OptionTable } from './option-table.ts';
import type { Output } from './output.ts';

/** What every command is given beside its arguments. */
export interface CommandContext {
  readonly output: Output;
  /** Library messages, on stderr. */
  readonly logger: Logger;
  readonly environment: Environment;
  /** Fires at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

/** A word of the usage line, `PATH...`, and what it stands for. */
export interface OperandText {
  readonly name: string;
  readonly help: string;
  /** The only words that it may be. */
  readonly choices?: readonly string[] | undefined;
}

/** A name (a variable, a file) and what it means. */
export interface NamedText {
  readonly name: string;
  readonly help: string;
}

export interface CommandText {
  /** Of a command in a group both words: `key add`. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly operands: readonly OperandText[];
  /** More than the summary: sentences of one paragraph. */
  readonly description?: readonly string[] | undefined;
  readonly examples: readonly { readonly command: string; readonly does: string }[];
  /** Exit codes that mean something particular to this command. */
  readonly exitCodes?: Readonly<Record<number, string>> | undefined;
  /** Variables beside those that belong to its options. */
  readonly environment?: readonly NamedText[] | undefined;
  /** Files beside those that belong to its options. */
  readonly files?: readonly NamedText[] | undefined;
}

interface CommandSpec<Table extends OptionTable> extends CommandText {
  readonly options: Table;
  /** Returns the exit code. */
  readonly run: (args: Arguments<Table>, context: CommandContext) => Promise<number>;
}

export interface Command extends CommandText {
  readonly options: OptionTable;
  /** The commands of a group, which does nothing by itself. */
  readonly subcommands?: readonly Command[] | undefined;
  /**
   * Throws UsageError for arguments that do not fit the table. What it returns does the work and gives the exit code.
   */
  prepare(argv: readonly string[]): (context: CommandContext) => Promise<number>;
}

/** Ties a table of options to the code that reads it, so that the compiler knows the names. */
export function defineCommand<Table extends OptionTable>(spec: CommandSpec<Table>): Command {
  return {
    ...spec,
    prepare: (argv) => {
      const args = parseArguments(argv, spec.options);
      return (context) => spec.run(args, context);
    },
  };
}

/** A command whose first operand names the command that is meant: `key add`. */
export function defineCommandGroup(
  text: Omit<CommandText, 'operands'>,
  subcommands: readonly Command[],
): Command {
  const group: Command = {
    ...text,
    operands: [{ name: 'COMMAND', help: 'one of those below' }],
    options: Object.fromEntries(subcommands.flatMap(({ options }) => Object.entries(options))),
    subcommands,
    prepare: (argv) => {
      const { command, rest } = descend(group, argv);
      if (command !== group) return command.prepare(rest);
      throw new UsageError('no command of the group was named', { advice: choiceOf(subcommands) });
    },
  };
  return group;
}

/**
 * The command of a group that the first operand names, and the arguments without it; the command itself where it is no
 * group or nothing is named. Throws UsageError where the group has no such command.
 */
export function descend(
  command: Command,
  argv: readonly string[],
): { readonly command: Command; readonly rest: readonly string[] } {
  const { subcommands } = command;
  if (subcommands === undefined) return { command, rest: argv };
  const { name, rest } = splitCommandName(argv, command.options);
  if (name === undefined) return { command, rest: argv };
  const found = subcommands.find((subcommand) => lastWord(subcommand.name) === name);
  if (found !== undefined) return { command: found, rest };
  throw new UsageError(`unknown command of \`${command.name}\``, {
    where: name,
    advice: choiceOf(subcommands),
  });
}

function choiceOf(subcommands: readonly Command[]): string {
  return `one of: ${subcommands.map(({ name }) => lastWord(name)).join(', ')}`;
}

/** How a command is named within its group. */
export function lastWord(name: string): string {
  return name.slice(name.lastIndexOf(' ') + 1);
}
