import type { Command } from './command.ts'

/** What `millrace --help` prints. */
export function generalHelp(commands: readonly Command[]): string {
  return [
    'Millrace runs stream processing pipelines written in TypeScript.',
    '',
    ...table(commands.map((command) => [usageOf(command, 'ACTION'), command.summary])),
    ...table([
      ['millrace COMMAND --help', "a command's options"],
      ['millrace --version', 'the version'],
    ]),
    '',
    'Exit codes: 0 finished or stopped, 1 failed, 2 usage, 3 pipeline invalid, 4 data directory in use,',
    '5 checkpoint damaged or of another program, 6 stop timed out.',
    '',
  ].join('\n')
}

/** What `millrace COMMAND --help` prints. */
export function commandHelp(command: Command): string {
  const { details, options } = command
  return [
    `${usageOf(command)} [options]`,
    '',
    ...details,
    '',
    ...table(
      options.map(({ name: option, value, help }) => [
        `--${option}${value === undefined ? '' : ` ${value}`}`,
        help,
      ]),
    ),
    '',
  ].join('\n')
}

/** How a command is called; `action` replaces its actions, which are listed by default. */
function usageOf({ name, actions, operand, second }: Command, action = actions?.join('|')): string {
  const operands = second === undefined ? operand : `${operand} ${second}`
  return `millrace ${name} ${actions === undefined ? '' : `${action} `}${operands}`
}

function table(rows: readonly (readonly [left: string, right: string])[]): string[] {
  return rows.map(([left, right]) => `  ${left.padEnd(32)} ${right}`)
}
