import type { Command } from './command.ts';
import { exitCodeMeanings } from './exit-code.ts';
import type { OptionSpec } from './option-table.ts';

const columns = 100;

/** The page of `tranship help`. */
export function generalHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'tranship moves file trees through a replication repository in restic’s format.',
    '',
    'usage: tranship [-r LOCATION] COMMAND [option...] [argument...]',
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'Environment:',
    ...paragraph(
      'TRANSHIP_REPOSITORY[_FILE] and TRANSHIP_PASSWORD[_FILE|_COMMAND], or the same with RESTIC_.',
      2,
    ),
    '',
    ...exitCodeLines({}),
    '',
    '`tranship help COMMAND` shows options and examples; `tranship --version` the version.',
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const operands = command.operands.map(({ name }) => name).join(' ');
  return [
    ...paragraph(`tranship ${command.name}: ${command.summary}`, 0),
    '',
    `usage: tranship ${command.name} [option...] ${operands}`.trimEnd(),
    '',
    ...(command.description === undefined ? [] : [...paragraph(command.description.join(' '), 0), '']),
    ...twoColumns(command.operands.map(({ name, help }) => [name, help])),
    ...(command.operands.length === 0 ? [] : ['']),
    'Options:',
    ...twoColumns(Object.entries(command.options).map(([name, spec]) => optionLine(name, spec))),
    '',
    'Examples:',
    ...command.examples.flatMap(({ command: line, does }) => [`  ${line}`, ...paragraph(does, 6)]),
    '',
    ...exitCodeLines(command.exitCodes ?? {}),
  ].join('\n');
}

function optionLine(name: string, spec: OptionSpec): readonly [string, string] {
  const names = [`--${name}`, ...(spec.aliases ?? []).map((alias) => `--${alias}`)].join(', ');
  const value = spec.kind === 'flag' ? '' : ` ${spec.placeholder}`;
  const notes = [
    ...(spec.kind === 'list' ? ['may be repeated'] : []),
    ...(spec.kind !== 'flag' && spec.default !== undefined ? [`default: ${spec.default}`] : []),
  ];
  const note = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
  const short = spec.short === undefined ? '    ' : `-${spec.short}, `;
  return [`${short}${names}${value}`, spec.help + note];
}

/** Aligned, except where the left side is too long: then the right side begins on the next line. */
function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const widest = 34;
  const width = Math.min(widest, Math.max(0, ...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) => {
    const [first = '', ...more] = paragraph(right, 4 + width);
    if (left.length > width) return [`  ${left}`, first, ...more];
    return [`  ${left.padEnd(width)}  ${first.trimStart()}`, ...more];
  });
}

function exitCodeLines(own: Readonly<Record<number, string>>): string[] {
  const meanings = Object.entries({ ...exitCodeMeanings, ...own }).map(
    ([code, meaning]) => `${code} ${meaning}`,
  );
  return ['Exit codes:', ...paragraph(`${meanings.join('; ')}.`, 2)];
}

function paragraph(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > columns) {
      lines.push(' '.repeat(indent) + line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, ' '.repeat(indent) + line];
}
