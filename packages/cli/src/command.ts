import { MillraceError, nearest } from '@millrace/core'
import { parseArgs } from 'node:util'
import type { ExitCode } from './exit-codes.ts'
import type { Outputs } from './outputs.ts'
import type { Signals } from './signals.ts'

/** A subcommand of `millrace`. */
export interface Command {
  readonly name: string
  /** Words of which one is required before the operand. */
  readonly actions?: readonly string[]
  /** The required operand: `FILE.ts`. */
  readonly operand: string
  /** What may follow the operand: `OPERATOR`. Absent: nothing. */
  readonly second?: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Paragraphs of the command's own help. */
  readonly details: readonly string[]
  readonly options: readonly Option[]
  /** Whether the first signal stops it gracefully; without this the first signal ends the process. */
  readonly isStoppedBySignals?: true
  /** Runs the command. Throws on failure; `main` prints the error and chooses the exit code. */
  run(line: CommandLine, outputs: Outputs, signals: Signals): Promise<ExitCode>
}

/** An option of a command. */
export interface Option {
  /** Without the dashes: `data-dir`. */
  readonly name: string
  /** The placeholder of its value in the help; absent for a flag. */
  readonly value?: string
  readonly help: string
}

/** The parsed arguments of a command: its operand and its options, validated. */
export class CommandLine {
  /** The word before the operand, for a command with actions. */
  readonly action: string | undefined
  readonly operand: string
  /** What follows the operand; undefined if nothing does. */
  readonly second: string | undefined
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor(
    operand: string,
    values: ReadonlyMap<string, readonly string[]>,
    { action, second }: { readonly action?: string | undefined; readonly second?: string | undefined } = {},
  ) {
    this.action = action
    this.operand = operand
    this.second = second
    this.#values = values
  }

  /** Whether an option was given. */
  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** The value of an option; the last one if it was repeated. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.at(-1)
  }

  /** The options that `isWanted` selects, as arguments of a command. */
  toArguments(isWanted: (name: string) => boolean): readonly string[] {
    return [...this.#values]
      .filter(([name]) => isWanted(name))
      .flatMap(([name, values]) => values.map((value) => (value === '' ? `--${name}` : `--${name}=${value}`)))
  }

  /** All values of an option, in order. */
  values(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }
}

/** Parses a command's arguments. Throws `OPTION_INVALID` for unknown or malformed arguments. */
export function readCommandLine(command: Command, args: readonly string[]): CommandLine {
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      command.options.map(({ name, value }) => [name, { type: value === undefined ? 'boolean' : 'string' }]),
    ),
  })
  const operands: string[] = []
  const values = new Map<string, readonly string[]>()
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const option = command.options.find(({ name }) => name === token.name)
    if (option === undefined) throw unknown(command, token.rawName)
    const value = valueOf(command, option, token)
    values.set(option.name, [...(values.get(option.name) ?? []), value])
  }
  const action =
    command.actions === undefined ? undefined : actionOf(command, command.actions, operands.shift())
  const operand = operands.shift()
  const second = command.second === undefined ? undefined : operands.shift()
  const [surplus] = operands
  if (operand === undefined) {
    throw invalid(command, `${command.operand} is missing: millrace ${command.name} ${command.operand}`)
  }
  if (surplus !== undefined) {
    const takes = command.second === undefined ? '' : ` and one ${command.second}`
    throw invalid(
      command,
      `'${surplus}' is an unexpected argument. The command takes one ${command.operand}${takes}`,
    )
  }
  return new CommandLine(operand, values, { action, second })
}

function actionOf(command: Command, actions: readonly string[], given: string | undefined): string {
  if (given !== undefined && actions.includes(given)) return given
  const usage = `millrace ${command.name} ${actions.join('|')} ${command.operand}`
  if (given === undefined) throw invalid(command, `the action is missing: ${usage}`)
  const meant = nearest(given, actions)
  throw invalid(
    command,
    `'${given}' is no action; ${meant === undefined ? usage : `did you mean '${meant}'?`}`,
  )
}

function valueOf(
  command: Command,
  option: Option,
  token: { readonly value: string | undefined; readonly inlineValue: boolean | undefined },
): string {
  const { name, value: meta } = option
  if (meta === undefined) {
    if (token.value !== undefined)
      throw invalid(command, `--${name} takes no value. Remove '=${token.value}'`)
    return ''
  }
  const isNextOption = token.inlineValue !== true && /^-./.test(token.value ?? '')
  if (token.value === undefined || token.value === '' || isNextOption) {
    throw invalid(command, `--${name} needs a value: --${name} ${meta}`)
  }
  return token.value
}

function unknown(command: Command, given: string): MillraceError {
  const meant = nearest(
    given.replace(/^-+/, ''),
    command.options.map(({ name }) => name),
  )
  const advice =
    meant === undefined ? `'millrace ${command.name} --help' lists the options` : `did you mean --${meant}?`
  return invalid(command, `${given} is not an option; ${advice}`)
}

function invalid(command: Command, what: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `millrace ${command.name}: ${what}`)
}
