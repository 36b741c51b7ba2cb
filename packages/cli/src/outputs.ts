import process from 'node:process'

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
 * Lets the process go on when its terminal is closed or nobody reads its log any more. Node would end it at the next
 * line that it writes, before the job has stopped in good order.
 */
export function surviveLostTerminal(): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: Error & { readonly code?: string }) => {
    if (error.code !== 'EIO') throw error
  })
}
