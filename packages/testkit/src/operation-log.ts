/** What a simulated file system can be asked to change, and what can be made to fail. */
export type OperationKind =
  | 'create'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'remove'
  | 'makeDirectory'
  | 'removeDirectory'
  | 'syncDirectory'

/** How many lines are kept: enough to see what led to a failure, few enough for a long simulation. */
const LINES_MAX = 2_000

/**
 * The story of a simulated disk over all lives of the process, for the message of a failed test.
 *
 * A new life starts with each crash; operations are numbered anew in each.
 */
export class OperationLog {
  #lines: string[] = []
  /** Which life this is, from 1. */
  life = 1

  add(operation: number, kind: OperationKind, path: string, detail: string): void {
    this.#push(`${this.life}.${operation} ${kind} ${path}${detail === '' ? '' : `: ${detail}`}`)
  }

  /** A log for the next life that knows this one's story. `event` says how this life ended. */
  next(event: string): OperationLog {
    const log = new OperationLog()
    log.#lines = [...this.#lines]
    log.#push(`-- ${event}`)
    log.life = this.life + 1
    return log
  }

  text(): string {
    return this.#lines.join('\n')
  }

  #push(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length >= 2 * LINES_MAX) this.#lines.splice(0, LINES_MAX)
  }
}
