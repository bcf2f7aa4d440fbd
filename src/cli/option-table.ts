/**
 * What a command takes, as data: the parser, the help and the compiler all read the same table. A name that a table
 * lacks, or a kind that does not fit, is a compile error where the option is asked for.
 */
interface OptionText {
  /** One letter, without its dash. */
  readonly short?: string;
  /** Other long names with the same meaning, such as restic's. */
  readonly aliases?: readonly string[];
  /** One sentence without a full stop. */
  readonly help: string;
}

interface ValueText extends OptionText {
  /** How the help names the value: `FILE`. */
  readonly placeholder: string;
  /** What holds without the option, for the help. */
  readonly default?: string;
  /** The only words that it may be, for the completion. */
  readonly choices?: readonly string[];
}

export type OptionSpec =
  /** Given or not, or counted (`-v -v`). */
  | (OptionText & { readonly kind: 'flag' })
  /** The last one given counts. */
  | (ValueText & { readonly kind: 'value' })
  /** May be given several times. */
  | (ValueText & { readonly kind: 'list' });

/** By long name, without the dashes. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The names of a table's options of one kind. */
export type NamesOf<Table extends OptionTable, Kind extends OptionSpec['kind']> = {
  [Name in keyof Table & string]: Table[Name]['kind'] extends Kind ? Name : never;
}[keyof Table & string];
