import type { LogLevel } from './job.ts'

/** The body of `POST /api/jobs/:job/actions`, as JSON. Operators may send it; `stop`, `drain` and `drop` only admins. */
export type Action =
  /** Makes a checkpoint now, or after the running one. */
  | { readonly action: 'checkpoint' }
  /** Writes everything that a later start needs into a directory of the server, which must be empty or missing. The job runs on. */
  | { readonly action: 'savepoint'; readonly directory: string }
  /** Stops; with `savepoint` into that directory, too. */
  | { readonly action: 'stop'; readonly savepoint?: string }
  /** Stops as at the end of input: windows and timers fire. */
  | { readonly action: 'drain' }
  | { readonly action: 'pause'; readonly source: string }
  | { readonly action: 'resume'; readonly source: string }
  | { readonly action: 'logLevel'; readonly level: LogLevel }
  /** Sends letters through the pipeline again. With `rehearse` nothing is changed, and the outcome is returned. */
  | { readonly action: 'redrive'; readonly letters: LetterSelection; readonly rehearse?: boolean }
  | { readonly action: 'drop'; readonly letters: LetterSelection }

/** Which dead letters: those that all given fields select. At least one must be given; `all` selects all. */
export interface LetterSelection {
  readonly ids?: readonly string[]
  readonly log?: string
  readonly operator?: string
  readonly code?: string
  readonly all?: true
}

/** The answer to an action. */
export interface ActionResult {
  readonly action: Action['action']
  /** What was done, as a sentence. */
  readonly text: string
  readonly checkpoint: number | null
  /** For letters: how many were redriven or dropped, and those that were not, with the reason. */
  readonly letters: number | null
  readonly refused: readonly { readonly id: string; readonly why: string }[]
  /** For a rehearsal: how many records came out, by sink, and what failed again. */
  readonly rehearsal: {
    readonly written: readonly { readonly sink: string; readonly records: number }[]
    readonly failed: readonly { readonly operator: string; readonly code: string; readonly message: string }[]
    readonly error: string | null
  } | null
}

/** The body of every answer with a status of 400 or more. */
export interface ApiError {
  readonly error: {
    /** A code of docs/operating/errors.md, or one of HTTP: "NOT_FOUND", "FORBIDDEN", "UNAUTHORIZED". */
    readonly code: string
    readonly message: string
    readonly docs: string | null
  }
}
