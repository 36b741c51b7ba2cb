import { MillraceError } from '@millrace/core'
import type { Command } from './command.ts'
import { exitCodes } from './exit-codes.ts'

const shells = ['bash', 'zsh', 'fish'] as const

/** Prints a script by which a shell completes the commands, actions and options of `millrace`. */
export function completionCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    operand: 'SHELL',
    summary: 'print a script that completes commands and options: bash, zsh or fish',
    details: [
      'Add to ~/.bashrc: source <(npx millrace completion bash)',
      'Add to ~/.zshrc, after compinit: source <(npx millrace completion zsh)',
      'For fish: npx millrace completion fish > ~/.config/fish/completions/millrace.fish',
    ],
    options: [],
    async run({ operand }, { stdout }) {
      const shell = shells.find((each) => each === operand)
      if (shell === undefined) {
        throw new MillraceError(
          'OPTION_INVALID',
          `millrace completion: '${operand}' is no shell that it knows; give one of ${shells.join(', ')}`,
        )
      }
      stdout.write(shell === 'fish' ? fishScript(commands()) : bashScript(commands(), shell === 'zsh'))
      return exitCodes.done
    },
  }
}

function bashScript(commands: readonly Command[], isZsh: boolean): string {
  const cases = commands.flatMap(({ name, actions = [], options }) => [
    `    ${name})`,
    `      words="${['--help', ...options.map((option) => `--${option.name}`)].join(' ')}"`,
    ...(actions.length === 0
      ? []
      : [`      if ((COMP_CWORD == 2)); then words="${actions.join(' ')} $words"; fi`]),
    '      ;;',
  ])
  return [
    ...(isZsh ? ['autoload -U +X bashcompinit && bashcompinit'] : []),
    '_millrace() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" words=""',
    '  COMPREPLY=()',
    '  if ((COMP_CWORD == 1)); then',
    `    words="${commands.map(({ name }) => name).join(' ')} --help --version"`,
    '  else',
    '    case "${COMP_WORDS[1]}" in',
    ...cases,
    '    esac',
    '    if [[ "$current" != -* ]]; then COMPREPLY=($(compgen -f -- "$current")); fi',
    '  fi',
    '  COMPREPLY+=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o filenames -F _millrace millrace',
    '',
  ].join('\n')
}

function fishScript(commands: readonly Command[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = commands.flatMap(({ name, actions = [], summary, options }) => {
    const inside = `complete -c millrace -n '__fish_seen_subcommand_from ${name}'`
    return [
      `complete -c millrace -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
      ...(actions.length === 0 ? [] : [`${inside} -a '${actions.join(' ')}'`]),
      ...options.map(
        ({ name: option, value, help }) =>
          `${inside} -l ${option}${value === undefined ? '' : ' -r'} -d ${quoted(help)}`,
      ),
    ]
  })
  return `${lines.join('\n')}\n`
}
