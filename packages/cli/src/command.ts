import type { CommandLine } from './command-line.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Outputs } from './outputs.ts'
import type { Signals } from './signals.ts'

/** A subcommand of `millrace`. */
export interface Command {
  readonly name: string
  /** The required operand: `FILE.ts`. */
  readonly operand: string
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
