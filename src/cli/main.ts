import { programVersion } from '../base/program-version.ts';
import { CancelledError, TranshipError, UsageError, describeError } from '../base/errors.ts';
import { looseArguments, parseArguments, splitCommandName } from './arguments.ts';
import type { Arguments } from './arguments.ts';
import { descend } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { commandNames, loadCommand, loadCommandSections } from './commands.ts';
import { leadingOptions, repositoryOptions } from './common-options.ts';
import { takeEnvironment } from './environment.ts';
import type { Environment } from './environment.ts';
import { causeOf, exitCode, exitCodeOf } from './exit-code.ts';
import { commandHelp, generalHelp } from './help.ts';
import { Interrupt } from './interrupt.ts';
import { Output } from './output.ts';
import { standardOutput } from './standard-output.ts';

/** Runs one command line (without the program's name) to its end; resolves to the exit code and never rejects. */
export async function main(argv: readonly string[]): Promise<number> {
  const environment = takeEnvironment(process.env);
  const interrupt = new Interrupt((code) => process.exit(code));
  const output = new Output({
    stdout: standardOutput(),
    stderr: process.stderr,
    ...manner(argv),
    colour: environment.colour,
    onClosed: () => interrupt.stop('SIGPIPE'),
  });
  interrupt.listen();
  try {
    const code = await runWritten(argv, output, environment, interrupt.signal);
    return output.failure === undefined ? code : fail(output.failure, output, environment);
  } catch (error) {
    return ended(error, interrupt, output, environment);
  } finally {
    output.clearProgress();
    interrupt.close();
  }
}

/** How to print, before it is known whether the command line is sound: what is wrong with it is printed so too. */
function manner(argv: readonly string[]): { json: boolean; quiet: boolean; verbosity: number } {
  const args = looseArguments(argv, repositoryOptions);
  return { json: args.flag('json'), quiet: args.flag('quiet'), verbosity: args.count('verbose') };
}

/** What was printed before a failure is written out too. */
async function runWritten(
  argv: readonly string[],
  output: Output,
  environment: Environment,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await runCommandLine(argv, output, environment, signal);
  } finally {
    await output.finish(signal);
  }
}

async function runCommandLine(
  argv: readonly string[],
  output: Output,
  environment: Environment,
  signal: AbortSignal,
): Promise<number> {
  const { name, rest } = splitCommandName(argv, leadingOptions);
  if (name === undefined) return withoutCommand(parseArguments(argv, leadingOptions), output);
  if (name === 'help') return help(rest, output);
  const command = await loadCommand(name);
  if (command === undefined) throw unknownCommand(name);
  if (asksForHelp(rest)) {
    output.raw(commandHelp(subject(command, rest)));
    return exitCode.done;
  }
  const context: CommandContext = {
    output,
    environment,
    signal,
    logger: { debug: (message) => output.debug(message), warn: (message) => output.warn(message) },
  };
  return prepared(command, rest)(context);
}

function prepared(command: Command, argv: readonly string[]): (context: CommandContext) => Promise<number> {
  const { command: meant, rest } = descend(command, argv);
  try {
    return meant.prepare(rest);
  } catch (error) {
    if (!(error instanceof UsageError) || error.advice !== undefined) throw error;
    throw new UsageError(error.what, {
      ...(error.where === undefined ? {} : { where: error.where }),
      advice: `see \`tranship help ${meant.name}\``,
    });
  }
}

/** What help is wanted about: of a group the command that is named, if it is one. */
function subject(command: Command, argv: readonly string[]): Command {
  const { name } = splitCommandName(argv, command.options);
  return command.subcommands?.find((candidate) => candidate.name === `${command.name} ${name}`) ?? command;
}

async function withoutCommand(args: Arguments<typeof leadingOptions>, output: Output): Promise<number> {
  if (args.flag('version')) {
    output.raw(programVersion());
    return exitCode.done;
  }
  const page = generalHelp(await loadCommandSections());
  if (args.flag('help')) {
    output.raw(page);
    return exitCode.done;
  }
  throw new UsageError('no command was given', { advice: `one of: ${commandNames.join(', ')}` });
}

async function help(rest: readonly string[], output: Output): Promise<number> {
  const [name, ...words] = parseArguments(rest, leadingOptions).operands;
  if (name === undefined) {
    output.raw(generalHelp(await loadCommandSections()));
    return exitCode.done;
  }
  const command = await loadCommand(name);
  if (command === undefined) throw unknownCommand(name);
  output.raw(commandHelp(descend(command, words).command));
  return exitCode.done;
}

/** Also beside other words that would not parse. */
function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  return words.includes('--help') || words.includes('-h');
}

function unknownCommand(name: string): UsageError {
  return new UsageError('unknown command', { where: name, advice: `one of: ${commandNames.join(', ')}` });
}

/** The exit code of what was thrown, after printing it. */
function ended(error: unknown, interrupt: Interrupt, output: Output, environment: Environment): number {
  if (output.failure !== undefined) return fail(output.failure, output, environment);
  const cause = causeOf(error);
  const stopped = interrupt.exitCode;
  if (stopped === undefined) return fail(cause, output, environment);
  const isCancellation =
    cause instanceof CancelledError || (cause instanceof Error && cause.name === 'AbortError');
  if (interrupt.reason === 'SIGPIPE') return stopped;
  output.fail(isCancellation ? new Error('interrupted') : cause, stopped, environment.debug);
  return stopped;
}

function fail(error: unknown, output: Output, environment: Environment): number {
  const code = exitCodeOf(error);
  const isExpected = error instanceof TranshipError || environment.debug;
  const advice = 'TRANSHIP_DEBUG=1 shows where this comes from';
  output.fail(isExpected ? error : new Error(`${describeError(error)} (${advice})`), code, environment.debug);
  return code;
}
