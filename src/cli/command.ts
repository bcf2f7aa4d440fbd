import type { Logger } from '../base/logger.ts';
import type { Arguments } from './arguments.ts';
import { parseArguments } from './arguments.ts';
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
}

export interface CommandText {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly operands: readonly OperandText[];
  /** More than the summary: sentences of one paragraph. */
  readonly description?: readonly string[] | undefined;
  readonly examples: readonly { readonly command: string; readonly does: string }[];
  /** Exit codes that mean something particular to this command. */
  readonly exitCodes?: Readonly<Record<number, string>> | undefined;
}

interface CommandSpec<Table extends OptionTable> extends CommandText {
  readonly options: Table;
  /** Returns the exit code. */
  readonly run: (args: Arguments<Table>, context: CommandContext) => Promise<number>;
}

export interface Command extends CommandText {
  readonly options: OptionTable;
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
