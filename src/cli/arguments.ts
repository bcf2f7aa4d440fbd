import { parseArgs } from 'node:util';
import { UsageError } from '../base/errors.ts';
import type { NamesOf, OptionSpec, OptionTable } from './option-table.ts';

/** A parsed command line, by the names that may be asked for: one of more options serves where fewer are needed. */
class ParsedArguments<Flag extends string, Value extends string, List extends string> {
  /** What is no option, in order. */
  readonly operands: readonly string[];
  readonly #given: ReadonlyMap<string, readonly string[]>;

  constructor(operands: readonly string[], given: ReadonlyMap<string, readonly string[]>) {
    this.operands = operands;
    this.#given = given;
  }

  /** For a command that takes options only. */
  refuseOperands(): void {
    if (this.operands.length > 0)
      throw new UsageError('too many arguments', { where: this.operands.join(' ') });
  }

  /** Throws UsageError when one of these was given, which `company` leaves without effect. */
  refuseOptions(names: readonly (Flag | Value | List)[], company: string): void {
    const given = names.find((name) => this.#given.has(name));
    if (given !== undefined) throw new UsageError(`--${given} has no effect ${company}`);
  }

  flag(name: Flag): boolean {
    return this.count(name) > 0;
  }

  /** How often a flag was given. */
  count(name: Flag): number {
    return this.#given.get(name)?.length ?? 0;
  }

  value(name: Value): string | undefined {
    return this.#given.get(name)?.at(-1);
  }

  list(name: List): readonly string[] {
    return this.#given.get(name) ?? [];
  }

  /** The value as one of a few words; UsageError for another one. */
  choice<Word extends string>(name: Value, words: readonly Word[]): Word | undefined {
    const given = this.value(name);
    if (given === undefined) return undefined;
    const word = words.find((candidate) => candidate === given);
    if (word !== undefined) return word;
    throw new UsageError(`unknown value of --${name}`, {
      where: JSON.stringify(given),
      advice: `use one of: ${words.join(', ')}`,
    });
  }

  /** The value as a whole number of at least `minimum`; UsageError for anything else. */
  integer(name: Value, minimum: number): number | undefined {
    const given = this.value(name);
    if (given === undefined) return undefined;
    const number = /^\d{1,9}$/.test(given) ? Number(given) : -1;
    if (number >= minimum) return number;
    throw new UsageError(`--${name} takes a whole number from ${minimum} on`, {
      where: JSON.stringify(given),
    });
  }
}

export type Arguments<Table extends OptionTable> = ParsedArguments<
  NamesOf<Table, 'flag'>,
  NamesOf<Table, 'value'>,
  NamesOf<Table, 'list'>
>;

/** Reads a command line by a table; throws UsageError for an unknown option, a missing value, one too many. */
export function parseArguments<Table extends OptionTable>(
  argv: readonly string[],
  table: Table,
): Arguments<Table> {
  const operands: string[] = [];
  const given = new Map<string, string[]>();
  const names = canonicalNames(table);
  for (const token of tokensOf(argv, table)) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const name = names.get(token.name);
    const spec = name === undefined ? undefined : table[name];
    if (name === undefined || spec === undefined) {
      throw new UsageError('unknown option', { where: token.rawName });
    }
    const values = given.get(name) ?? [];
    values.push(valueOf(token, spec));
    given.set(name, values);
  }
  return new ParsedArguments(operands, given);
}

/** As {@link parseArguments}, but passes over whatever does not fit the table. */
export function looseArguments<Table extends OptionTable>(
  argv: readonly string[],
  table: Table,
): Arguments<Table> {
  const given = new Map<string, string[]>();
  for (const token of tokensOf(argv, table)) {
    if (token.kind !== 'option' || table[token.name] === undefined) continue;
    given.set(token.name, [...(given.get(token.name) ?? []), token.value ?? '']);
  }
  return new ParsedArguments([], given);
}

/** Takes the command's name out: the first word that is neither an option of the table nor the value of one. */
export function splitCommandName(
  argv: readonly string[],
  table: OptionTable,
): { readonly name: string | undefined; readonly rest: readonly string[] } {
  const first = tokensOf(argv, table).find((token) => token.kind === 'positional');
  if (first === undefined) return { name: undefined, rest: argv };
  return { name: first.value, rest: argv.toSpliced(first.index, 1) };
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function valueOf(token: OptionToken, spec: OptionSpec): string {
  if (spec.kind === 'flag') {
    if (token.value !== undefined)
      throw new UsageError('the option takes no value', { where: token.rawName });
    return '';
  }
  const advice = `write ${token.rawName}=${spec.placeholder}`;
  if (token.value === undefined)
    throw new UsageError('the option needs a value', { where: token.rawName, advice });
  // `-r=x` means `x`, as restic takes it.
  if (token.inlineValue === true && !token.rawName.startsWith('--')) return token.value.replace(/^=/, '');
  // `--target --json` is a forgotten value far more often than a folder called `--json`.
  if (token.inlineValue !== true && token.value.length > 1 && token.value.startsWith('-')) {
    throw new UsageError('the option needs a value', {
      where: `${token.rawName} ${token.value}`,
      advice: `${advice} when the value begins with a dash`,
    });
  }
  return token.value;
}

function tokensOf(argv: readonly string[], table: OptionTable) {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string; multiple: true }> = {};
  for (const [name, spec] of Object.entries(table)) {
    const type = spec.kind === 'flag' ? 'boolean' : 'string';
    options[name] = { type, multiple: true, ...(spec.short === undefined ? {} : { short: spec.short }) };
    for (const alias of spec.aliases ?? []) options[alias] = { type, multiple: true };
  }
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function canonicalNames(table: OptionTable): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [name, spec] of Object.entries(table)) {
    for (const known of [name, ...(spec.aliases ?? [])]) names.set(known, name);
  }
  return names;
}
