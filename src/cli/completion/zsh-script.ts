import type { Completed, CompletedCommand, CompletedOption } from './completed-command.ts';

export function zshScript(commands: readonly CompletedCommand[]): string {
  return [
    '#compdef tranship',
    '# Completes tranship in zsh; made by `tranship completion zsh`.',
    ...commands.flatMap((command) => ['', ...functionLines(command)]),
    '',
    'if [[ $funcstack[1] == _tranship ]]; then',
    '  _tranship "$@"',
    'else',
    '  compdef _tranship tranship',
    'fi',
  ].join('\n');
}

function functionLines({ path, options, commands, operands }: CompletedCommand): string[] {
  const name = functionName(path);
  const specs = options.map((option) => `    ${optionSpec(option)} \\`);
  if (commands.length === 0) {
    return [
      `${name}() {`,
      '  _arguments -s -S : \\',
      ...specs,
      `    ${quoted(`*: :${actionOf(operands)}`)}`,
      '}',
    ];
  }
  return [
    `${name}() {`,
    '  local -a commands line',
    '  local context state state_descr',
    '  typeset -A opt_args',
    '  commands=(',
    ...commands.map((command) => `    ${quoted(`${command.name}:${command.help}`)}`),
    '  )',
    '  _arguments -s -S -C : \\',
    ...specs,
    `    '1: :->command' '*:: :->argument'`,
    '  case $state in',
    `    command) _describe -t commands command commands ;;`,
    '    argument)',
    '      case $line[1] in',
    ...commands.map((command) => `        ${command.name}) ${functionName([...path, command.name])} ;;`),
    '      esac',
    '      ;;',
    '  esac',
    '}',
  ];
}

function functionName(path: readonly string[]): string {
  return ['_tranship', ...path].join('_');
}

function optionSpec({ names, help, mayRepeat, value }: CompletedOption): string {
  const others = mayRepeat ? '*' : names.length === 1 ? '' : `(${names.join(' ')})`;
  const joint = (name: string): string =>
    value === undefined ? name : name.startsWith('--') ? `${name}=` : `${name}+`;
  const forms = names.length === 1 ? names.map(joint).join('') : `{${names.map(joint).join(',')}}`;
  const explanation = `[${help.replace(/[\\[\]]/g, '\\$&')}]`;
  const argument = value === undefined ? '' : `:${value.name.replaceAll(':', '\\:')}:${actionOf(value.kind)}`;
  return `${others === '' ? '' : quoted(others)}${forms}${quoted(explanation + argument)}`;
}

function actionOf(kind: Completed): string {
  if (typeof kind === 'object') return `(${kind.join(' ')})`;
  return { file: '_files', folder: '_files -/', anything: ' ' }[kind];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
