// Loaded before everything else: imports nothing that takes long.
import type { ExitCode } from './exit-codes.ts'
import { processOutputs, surviveLostTerminal, type Outputs } from './outputs.ts'
import { Signals } from './signals.ts'

/**
 * Runs the command with the given arguments, without the program's own name, and resolves to the exit code.
 *
 * Listens for signals until then: the first stops a job, the second ends the process at once. Never rejects: errors are
 * printed as `CODE: message`.
 *
 * @example
 * process.exitCode = await main(process.argv.slice(2))
 */
export async function main(args: readonly string[], outputs: Outputs = processOutputs): Promise<ExitCode> {
  using signals = new Signals()
  return await run(args, outputs, signals)
}

/**
 * Like `main`, for a process that does nothing else and exits with the code: it listens for signals to its very end, so
 * that a late one does not change the exit code of a job that has ended.
 */
export async function launch(args: readonly string[]): Promise<ExitCode> {
  surviveLostTerminal()
  return run(args, processOutputs, new Signals())
}

async function run(args: readonly string[], outputs: Outputs, signals: Signals): Promise<ExitCode> {
  // Loaded late: whoever sends a signal meanwhile must not kill the process.
  const { runCommandLine } = await import('./main.ts')
  return runCommandLine(args, outputs, signals)
}
