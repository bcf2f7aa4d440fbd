import { lastWord } from '../command.ts';
import type { Command, NamedText, OperandText } from '../command.ts';
import { leadingOptions } from '../common-options.ts';
import type { OptionSpec, OptionTable } from '../option-table.ts';

/** What a word may be: a file, a folder, one of a few words, or anything. */
export type Completed = 'file' | 'folder' | 'anything' | readonly string[];

export interface CompletedOption {
  /** With their dashes, long names first. */
  readonly names: readonly string[];
  readonly help: string;
  readonly mayRepeat: boolean;
  /** Undefined for an option without a value. */
  readonly value: { readonly name: string; readonly kind: Completed } | undefined;
}

/** A place in a command line at which a shell completes: after the program, a command or a group. */
export interface CompletedCommand {
  /** Words after the program's name: none, `stage`, or `key` and `add`. */
  readonly path: readonly string[];
  readonly options: readonly CompletedOption[];
  /** The commands of which one comes next; empty where no command does. */
  readonly commands: readonly NamedText[];
  readonly operands: Completed;
}

/** Every place, the program's own first. */
export function completedCommands(commands: readonly Command[]): readonly CompletedCommand[] {
  const named = commands.map(({ name, summary }) => ({ name, help: summary }));
  const help = { name: 'help', help: 'show what a command does, its options and examples' };
  const names = named.map(({ name }) => name);
  return [
    { path: [], options: optionsOf(leadingOptions), commands: [...named, help], operands: 'anything' },
    ...commands.flatMap(placesOf),
    { path: ['help'], options: [], commands: [], operands: names },
  ];
}

function placesOf({ name, options, operands, subcommands = [] }: Command): CompletedCommand[] {
  const place = {
    path: name.split(' '),
    options: optionsOf(options),
    commands: subcommands.map((command) => ({ name: lastWord(command.name), help: command.summary })),
    operands: operandKind(operands[0]),
  };
  return [place, ...subcommands.flatMap(placesOf)];
}

function optionsOf(options: OptionTable): CompletedOption[] {
  return Object.entries(options).map(([name, spec]) => ({
    names: [
      ...[name, ...(spec.aliases ?? [])].map((long) => `--${long}`),
      ...(spec.short === undefined ? [] : [`-${spec.short}`]),
    ],
    help: spec.help,
    mayRepeat: spec.kind === 'list' || name === 'verbose',
    value: spec.kind === 'flag' ? undefined : { name: spec.placeholder, kind: valueKind(spec) },
  }));
}

function valueKind(spec: Exclude<OptionSpec, { readonly kind: 'flag' }>): Completed {
  if (spec.choices !== undefined) return spec.choices;
  if (/^FILE\b/.test(spec.placeholder)) return 'file';
  return spec.placeholder === 'DIR' || spec.placeholder === 'LOCATION' ? 'folder' : 'anything';
}

function operandKind(operand: OperandText | undefined): Completed {
  if (operand?.choices !== undefined) return operand.choices;
  return operand !== undefined && /^\[?(?:PATH|FILE)\b/.test(operand.name) ? 'file' : 'anything';
}
