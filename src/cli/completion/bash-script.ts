import type { Completed, CompletedCommand, CompletedOption } from './completed-command.ts';

/** The part that is the same for all commands. Bash splits a word at `=` and `:`, hence the care for those. */
const walker = String.raw`
_tranship_paths() {
  local found
  compopt -o filenames -o "$3" 2>/dev/null || true
  while IFS= read -r found; do COMPREPLY+=("$found"); done < <(compgen "$1" -- "$2")
}

_tranship_words() {
  local found
  while IFS= read -r found; do COMPREPLY+=("$found"); done < <(compgen -W "$1" -- "$2")
}

_tranship() {
  local cur=${'$'}{COMP_WORDS[COMP_CWORD]} path='' option='' previous='' ended='' word index
  local commands flags files folders texts operands choices
  COMPREPLY=()
  _tranship_table ''
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=${'$'}{COMP_WORDS[index]}
    if [[ $word == [:=]* ]]; then
      option=${'$'}{option:-$previous}
    elif [[ -n $option ]]; then
      previous=$option option=''
    elif [[ -n $ended || $word != -?* ]]; then
      previous=''
      if [[ -n $commands ]]; then
        path=${'$'}{path:+$path }$word
        _tranship_table "$path"
      fi
    elif [[ $word == -- ]]; then
      ended=1
    elif [[ " $files $folders $texts " == *" $word "* ]]; then
      option=$word
    fi
  done
  if [[ $cur == [:=]* ]]; then
    option=${'$'}{option:-$previous} cur=''
  fi
  if [[ -n $option ]]; then
    choices=''
    _tranship_choices "$path $option"
    if [[ -n $choices ]]; then
      _tranship_words "$choices" "$cur"
    elif [[ " $files " == *" $option "* ]]; then
      _tranship_paths -f "$cur" default
    elif [[ " $folders " == *" $option "* ]]; then
      _tranship_paths -d "$cur" dirnames
    fi
  elif [[ -z $ended && $cur == -* ]]; then
    _tranship_words "$flags $files $folders $texts" "$cur"
  elif [[ $operands == file ]]; then
    _tranship_paths -f "$cur" default
  else
    _tranship_words "${'$'}{commands:-$operands}" "$cur"
  fi
}

complete -F _tranship tranship`;

export function bashScript(commands: readonly CompletedCommand[]): string {
  return [
    '# Completes tranship in bash; made by `tranship completion bash`.',
    '_tranship_table() {',
    "  commands='' flags='' files='' folders='' texts='' operands=''",
    '  case $1 in',
    ...commands.flatMap(tableLines),
    '  esac',
    '}',
    '',
    '_tranship_choices() {',
    '  case $1 in',
    ...commands.flatMap(choiceLines),
    '  esac',
    '}',
    walker,
  ].join('\n');
}

function tableLines({ path, options, commands, operands }: CompletedCommand): string[] {
  const variables: readonly (readonly [string, readonly string[]])[] = [
    ['commands', commands.map(({ name }) => name)],
    ['flags', namesOf(options, undefined)],
    ['files', namesOf(options, 'file')],
    ['folders', namesOf(options, 'folder')],
    ['texts', namesOf(options, 'anything')],
    ['operands', operandWords(operands)],
  ];
  return [
    `  '${path.join(' ')}')`,
    ...variables
      .filter(([, words]) => words.length > 0)
      .map(([name, words]) => `    ${name}='${words.join(' ')}'`),
    '    ;;',
  ];
}

/** Options with a few possible values are texts too. */
function namesOf(options: readonly CompletedOption[], wanted: Completed | undefined): string[] {
  return options
    .filter(({ value }) => (typeof value?.kind === 'object' ? 'anything' : value?.kind) === wanted)
    .flatMap(({ names }) => names);
}

function operandWords(operands: Completed): readonly string[] {
  if (typeof operands === 'object') return operands;
  return operands === 'file' ? ['file'] : [];
}

function choiceLines({ path, options }: CompletedCommand): string[] {
  return options.flatMap(({ names, value }) => {
    if (typeof value?.kind !== 'object') return [];
    const patterns = names.map((name) => `'${path.join(' ')} ${name}'`).join(' | ');
    return [`  ${patterns}) choices='${value.kind.join(' ')}' ;;`];
  });
}
