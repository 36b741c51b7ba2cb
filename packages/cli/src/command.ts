import type { CommandLine } from './command-line.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Outputs } from './outputs.ts'
import type { Signals } from './signals.ts'

/** One of the things that `millrace` can be asked to do. */
export interface Command {
  readonly name: string
  /** What must follow the name: `FILE.ts`. */
  readonly operand: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Paragraphs for the command's own help. */
  readonly details: readonly string[]
  readonly options: readonly Option[]
  /** Whether a signal stops it in good order; any other command is ended by it. */
  readonly isStoppedBySignals?: true
  /** Throws what went wrong; `main` prints it and finds the exit code. */
  run(line: CommandLine, outputs: Outputs, signals: Signals): Promise<ExitCode>
}

/** An option of a command. */
export interface Option {
  /** Without the dashes: `data-dir`. */
  readonly name: string
  /** What its value is called in the help; absent for an option that is given or not. */
  readonly value?: string
  readonly help: string
}
