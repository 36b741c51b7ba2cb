/** The operations of a simulated file system that change it, and that can be made to fail. */
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

/** The number of kept lines: enough to explain a failure, few enough for a long simulation. */
const LINES_MAX = 2_000

/**
 * The operations on a simulated disk over all lives of the process, for the message of a failed test.
 *
 * Each crash begins a new life, in which operations are numbered from 1.
 */
export class OperationLog {
  #lines: string[] = []
  /** The number of this life, from 1. */
  life = 1

  add(operation: number, kind: OperationKind, path: string, detail: string): void {
    this.#push(`${this.life}.${operation} ${kind} ${path}${detail === '' ? '' : `: ${detail}`}`)
  }

  /** Creates the log of the next life, which continues this one. `event` says how this life ended. */
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
