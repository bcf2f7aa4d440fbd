import { lastWord } from './command.ts';
import type { Command, NamedText } from './command.ts';
import type { CommandSection } from './commands.ts';
import { leadingOptions } from './common-options.ts';
import { exitCodeMeanings } from './exit-code.ts';
import { optionGroups, optionsOfGroup, ownOptions } from './option-groups.ts';
import type { OptionSpec, OptionTable } from './option-table.ts';

/** A terminal's least width. */
const columns = 80;
const widestName = 28;

/** The page of `tranship help`. */
export function generalHelp(commandSections: readonly CommandSection[]): string {
  const width = Math.max(
    ...commandSections.flatMap(({ commands }) => commands.map(({ name }) => name.length)),
  );
  return pageOf([
    paragraph('tranship - move file trees through a replication repository in restic’s format', 0),
    section('Usage', usage('[option...] COMMAND [argument...]')),
    ...commandSections.map(({ title, commands }) =>
      section(
        title,
        namedRows(
          commands.map(({ name, summary }) => ({ name, help: summary })),
          width,
        ),
      ),
    ),
    ...optionSections(leadingOptions),
    section('Environment', namedRows(optionGroups.flatMap(({ environment }) => environment))),
    section('Exit codes', exitCodeRows({})),
    section('See also', [
      ...paragraph('`tranship help COMMAND` shows what a command does, its options and examples.', 2),
      ...paragraph('`tranship --version` prints the version.', 2),
    ]),
  ]);
}

/** The page of a command, in the order of a manual page. */
export function commandHelp(command: Command): string {
  const { name, summary, operands, description = [], options, subcommands = [] } = command;
  const groups = optionGroups.filter((_, index) => Object.keys(optionsOfGroup(options, index)).length > 0);
  const shown = subcommands.length === 0;
  const words = operands.map((operand) => operand.name).join(' ');
  return pageOf([
    paragraph(`tranship ${name} - ${summary}`, 0),
    section('Usage', usage(shown ? `${name} [option...] ${words}` : `${name} ${words} [option...]`)),
    section('Description', description.length === 0 ? [] : paragraph(description.join(' '), 2)),
    section(
      'Commands',
      namedRows(subcommands.map((sub) => ({ name: lastWord(sub.name), help: sub.summary }))),
    ),
    section('Arguments', shown ? namedRows(operands) : []),
    ...(shown ? optionSections(options) : []),
    section(
      'Environment',
      namedRows([...(command.environment ?? []), ...groups.flatMap((group) => group.environment)]),
    ),
    section('Files', namedRows([...(command.files ?? []), ...groups.flatMap((group) => group.files)])),
    section('Exit codes', exitCodeRows(command.exitCodes ?? {})),
    section('Examples', exampleLines(command)),
    section('See also', paragraph(seeAlso(command), 2)),
  ]);
}

function optionSections(options: OptionTable): (readonly string[])[] {
  return [
    section('Options', optionRows(ownOptions(options))),
    ...optionGroups.map(({ title }, index) => section(title, optionRows(optionsOfGroup(options, index)))),
  ];
}

function seeAlso({ name, subcommands = [] }: Command): string {
  const [group = '', ...words] = name.split(' ');
  if (subcommands.length > 0) return `\`tranship help ${group} COMMAND\` shows the options of each.`;
  const above = words.length === 0 ? '' : ` ${group}`;
  return `\`tranship help${above}\` lists ${words.length === 0 ? 'all commands' : 'the other ones'}.`;
}

function pageOf(sections: readonly (readonly string[])[]): string {
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines];
}

function usage(words: string): readonly string[] {
  return commandLines(`tranship ${words}`.trimEnd(), '');
}

function exampleLines({ examples }: Command): string[] {
  return examples.flatMap(({ command: line, does }, index) => [
    ...(index === 0 ? [] : ['']),
    ...paragraph(`${does}:`, 2),
    ...commandLines(line, '  '),
  ]);
}

/** A command line that a shell understands though it is broken into several. */
function commandLines(text: string, indent: string): string[] {
  // An option stays on one line with what looks like its value.
  const words = text.match(/(?:--?\w[^\s=]* +(?=[^-]))?(?:'[^']*'|"[^"]*"|\S)+/g) ?? [];
  const lines = wrapped(words, columns - indent.length - 6);
  return lines.map((line, index) => {
    const isLast = index === lines.length - 1;
    return `${indent}  ${index === 0 ? '' : '  '}${line}${isLast ? '' : ' \\'}`;
  });
}

function optionRows(options: OptionTable): string[] {
  return namedRows(Object.entries(options).map(([name, spec]) => optionText(name, spec)));
}

function optionText(name: string, spec: OptionSpec): NamedText {
  const names = [`--${name}`, ...(spec.aliases ?? []).map((alias) => `--${alias}`)].join(', ');
  const value = spec.kind === 'flag' ? '' : ` ${spec.placeholder}`;
  const notes = [
    ...(spec.kind === 'list' ? ['may be repeated'] : []),
    ...(spec.kind !== 'flag' && spec.default !== undefined ? [`default: ${spec.default}`] : []),
  ];
  const note = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
  const short = spec.short === undefined ? '    ' : `-${spec.short}, `;
  return { name: `${short}${names}${value}`, help: spec.help + note };
}

function exitCodeRows(own: Readonly<Record<number, string>>): string[] {
  const meanings = Object.entries({ ...exitCodeMeanings, ...own });
  return namedRows(meanings.map(([name, help]) => ({ name: name.padStart(3), help })));
}

/** Aligned, except where the name is too long: then its meaning begins on the next line. */
function namedRows(rows: readonly NamedText[], least = 0): string[] {
  const fitting = rows.map(({ name }) => name.length).filter((length) => length <= widestName);
  const width = Math.max(least, ...fitting, fitting.length < rows.length ? 8 : 0);
  return rows.flatMap(({ name, help }) => {
    const [first = '', ...more] = paragraph(help, 4 + width);
    if (name.length > width) return [`  ${name}`, first, ...more];
    return [`  ${name.padEnd(width)}  ${first.trimStart()}`, ...more];
  });
}

function paragraph(text: string, indent: number): string[] {
  return wrapped(text.split(' '), columns - indent).map((line) => ' '.repeat(indent) + line);
}

function wrapped(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
