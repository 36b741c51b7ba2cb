// Loaded first: imports only small modules.
import type { ExitCode } from './exit-codes.ts'
import { processOutputs, surviveLostTerminal, type Outputs } from './outputs.ts'
import { Signals } from './signals.ts'

/**
 * Runs the command with the given arguments, without the program's name, and resolves to the exit code.
 * Until then the first signal stops the job and the second ends the process at once. Never rejects: errors
 * are printed as `CODE: message`.
 *
 * @example
 * process.exitCode = await main(process.argv.slice(2))
 */
export async function main(args: readonly string[], outputs: Outputs = processOutputs): Promise<ExitCode> {
  using signals = new Signals()
  return await run(args, outputs, signals)
}

/**
 * Like `main`, for a process that runs nothing else and exits with the code: it listens for signals until the
 * process exits, so a late signal does not change the exit code of a job that has ended.
 */
export async function launch(args: readonly string[]): Promise<ExitCode> {
  surviveLostTerminal()
  return run(args, processOutputs, new Signals())
}

async function run(args: readonly string[], outputs: Outputs, signals: Signals): Promise<ExitCode> {
  // Loaded late, so that the signal handlers are installed first: a signal during loading must not kill the
  // process.
  const { runCommandLine } = await import('./main.ts')
  return runCommandLine(args, outputs, signals)
}
