import { closeSync } from 'node:fs'
import process from 'node:process'
import { isatty } from 'node:tty'

/** A stream that text is written to, and what is known about the terminal behind it. */
export interface Output {
  write: (text: string) => unknown
  readonly isTTY?: boolean
  /** Width of the terminal in characters. */
  readonly columns?: number
}

/** Where a command writes: results to `stdout`, everything about the run to `stderr`. */
export interface Outputs {
  readonly stdout: Output
  readonly stderr: Output
}

/** The outputs of this process. */
export const processOutputs: Outputs = { stdout: process.stdout, stderr: process.stderr }

/**
 * Keeps the process alive when its terminal is closed or its log has no reader any more. Node would end it at the next
 * line that it writes, before the job has stopped.
 */
export function surviveLostTerminal(): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: Error & { readonly code?: string }) => {
    if (error.code !== 'EIO') throw error
  })
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor))
  process.once('exit', () => {
    // Node aborts when it cannot restore the settings of a terminal that is gone, unless its descriptor is closed.
    for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor)
  })
}
