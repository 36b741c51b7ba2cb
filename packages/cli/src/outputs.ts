import { closeSync } from 'node:fs'
import process from 'node:process'
import { isatty } from 'node:tty'

/** A text stream and the properties of the terminal behind it. */
export interface Output {
  write: (text: string) => unknown
  readonly isTTY?: boolean
  /** Width of the terminal in characters. */
  readonly columns?: number
}

/** Where a command writes: results to `stdout`, messages about the run to `stderr`. */
export interface Outputs {
  readonly stdout: Output
  readonly stderr: Output
}

/** The outputs of this process. */
export const processOutputs: Outputs = { stdout: process.stdout, stderr: process.stderr }

/**
 * Keeps the process alive when its terminal is closed or the reader of its log ends. Otherwise Node ends the
 * process at the next write, before the job has stopped.
 */
export function surviveLostTerminal(): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: Error & { readonly code?: string }) => {
    if (error.code !== 'EIO') throw error
  })
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor))
  process.once('exit', () => {
    // Node aborts when it cannot restore the settings of a closed terminal, unless the descriptor is closed.
    for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor)
  })
}
