import type { Completed, CompletedCommand, CompletedOption } from './completed-command.ts';

export function fishScript(commands: readonly CompletedCommand[]): string {
  return [
    '# Completes tranship in fish; made by `tranship completion fish`.',
    ...pathFunction(commands),
    '',
    'function __tranship_at',
    '    set -l path (__tranship_path)',
    '    test "$path" = "$argv[1]"',
    'end',
    '',
    'complete -c tranship -e',
    'complete -c tranship -f',
    ...commands.flatMap(completeLines),
  ].join('\n');
}

/** Which command the words name so far; the values of options before a command's name are none. */
function pathFunction(commands: readonly CompletedCommand[]): string[] {
  const above = commands.filter((command) => command.commands.length > 0);
  const groups = above.flatMap(({ path }) => path);
  const valued = new Set(
    above
      .flatMap(({ options }) => options.filter(({ value }) => value !== undefined))
      .flatMap(({ names }) => names),
  );
  return [
    'function __tranship_path',
    '    set -l path',
    '    set -l skip',
    '    set -l words (commandline -opc)',
    '    for word in $words[2..-1]',
    '        if test -n "$skip"',
    '            set skip',
    '            continue',
    '        end',
    '        switch $word',
    "            case '--*=*'",
    `            case ${[...valued].join(' ')}`,
    '                set skip 1',
    "            case '-*'",
    "            case '*'",
    '                set path $path $word',
    `                if not contains -- "$path[1]" ${groups.join(' ')}; or test (count $path) -gt 1`,
    '                    break',
    '                end',
    '        end',
    '    end',
    '    echo "$path"',
    'end',
  ];
}

function completeLines({ path, options, commands, operands }: CompletedCommand): string[] {
  const prefix = `complete -c tranship -n ${quoted(`__tranship_at ${quoted(path.join(' '))}`)}`;
  return [
    ...commands.map(({ name, help }) => `${prefix} -a ${name} -d ${quoted(help)}`),
    ...(operands === 'file' ? [`${prefix} -F`] : []),
    ...(typeof operands === 'object' ? [`${prefix} -a ${quoted(operands.join(' '))}`] : []),
    ...options.map((option) => `${prefix} ${optionWords(option)}`),
  ];
}

function optionWords({ names, help, value }: CompletedOption): string {
  const forms = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  return [...forms, ...(value === undefined ? [] : [valueWords(value.kind)]), `-d ${quoted(help)}`].join(' ');
}

function valueWords(kind: Completed): string {
  if (typeof kind === 'object') return `-x -a ${quoted(kind.join(' '))}`;
  return { file: '-r -F', folder: "-x -a '(__fish_complete_directories)'", anything: '-x' }[kind];
}

/** Within single quotes fish knows two escapes. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
