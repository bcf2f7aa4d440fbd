import { UsageError } from '../base/errors.ts';
import type { StageStream } from '../copy/stage.ts';
import type { Arguments } from './arguments.ts';
import { commandOutput } from './command-output.ts';
import type { OptionTable } from './option-table.ts';

export const streamSourceOptions = {
  stdin: { kind: 'flag', help: 'store what comes on standard input as one file' },
  'stdin-filename': {
    kind: 'value',
    placeholder: 'NAME',
    default: 'stdin',
    help: 'the path of that file in the snapshot: dump.sql, db/dump.sql',
  },
  'stdin-from-command': {
    kind: 'flag',
    help: 'the arguments are a command: store what it prints, and no snapshot when it fails',
  },
} as const satisfies OptionTable;

/** The stream that the command line names; undefined when it names paths. */
export function streamSource(args: Arguments<typeof streamSourceOptions>): StageStream | undefined {
  const [isInput, isCommand] = [args.flag('stdin'), args.flag('stdin-from-command')];
  const given = args.value('stdin-filename');
  if (!isInput && !isCommand) {
    if (given === undefined) return undefined;
    throw new UsageError('--stdin-filename names what comes with --stdin or --stdin-from-command');
  }
  if (isInput && isCommand) throw new UsageError('--stdin and --stdin-from-command exclude each other');
  return { name: given ?? 'stdin', content: isInput ? standardInput(args.operands) : command(args.operands) };
}

function standardInput(operands: readonly string[]): AsyncIterable<Uint8Array> {
  if (operands.length === 0) return process.stdin;
  throw new UsageError('with --stdin no path is staged', { where: operands.join(' ') });
}

function command([program, ...args]: readonly string[]): AsyncIterable<Uint8Array> {
  if (program !== undefined) return commandOutput(program, args);
  throw new UsageError('the command is missing', {
    advice: 'write --stdin-from-command -- PROGRAM ARGUMENT...',
  });
}
