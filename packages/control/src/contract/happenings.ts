import type { LogLevel } from './job.ts'

/** `GET /api/jobs/:job/events?after=&kind=&level=&operator=&limit=`: the oldest first. `level` is the least. */
export interface EventPage {
  readonly events: readonly EventRow[]
  /** Pass it as `after` for later ones. */
  readonly last: number
  /** Whether earlier events than the first were dropped, because only so many are kept. */
  readonly isCut: boolean
}

/** What has happened: an entry of the event log, and the event `event` of the stream. */
export interface EventRow {
  /** Rises by one with each event. It is the SSE id. */
  readonly id: number
  readonly at: number
  readonly kind: EventKind
  readonly level: LogLevel
  /** A sentence for people. */
  readonly text: string
  readonly code: string | null
  readonly docs: string | null
  readonly checkpoint: number | null
  readonly operator: string | null
  /** Who asked for it, for an action: a role; otherwise null. */
  readonly by: string | null
  /** What was asked for, for an action, as `pause source=orders`; otherwise null. */
  readonly asked: string | null
}

/** The kinds of events. */
export type EventKind =
  | 'waitingForOwner'
  | 'started'
  | 'checkpointCompleted'
  | 'checkpointAborted'
  | 'savepointCompleted'
  | 'failed'
  | 'warning'
  | 'outage'
  | 'recovered'
  | 'breaker'
  | 'stopping'
  | 'ended'
  | 'action'
  /** An action that was refused or failed. */
  | 'actionFailed'

/** `GET /api/jobs/:job/logs?after=&level=&limit=`, and the event `log` of the stream. */
export interface LogPage {
  readonly lines: readonly LogRow[]
  readonly last: number
  readonly isCut: boolean
}

/** A line of the log. */
export interface LogRow {
  readonly id: number
  readonly at: number
  readonly level: LogLevel
  readonly text: string
}

/** `GET /api/jobs/:job/letters?log=&operator=&code=&limit=&cursor=`. */
export interface LetterPage {
  readonly letters: readonly LetterRow[]
  readonly total: number
  readonly next: string | null
}

/** A dead letter that the job keeps in its data directory. */
export interface LetterRow {
  readonly id: string
  /** The `deadLetter(NAME)` that keeps it. */
  readonly log: string
  readonly operator: string
  readonly code: string
  readonly message: string
  readonly place: string
  readonly source: string | null
  readonly split: string | null
  readonly position: string | null
  readonly key: string | null
  readonly attempts: number
  readonly redrives: number
  /** The record as JSON text, cut to 1,000 characters in lists; null if it cannot be shown. */
  readonly value: string | null
  readonly time: number | null
  readonly failedAt: number
  /** Why it cannot be redriven; null if it can. */
  readonly obstacle: string | null
}

/** `GET /api/jobs/:job/letters/:id`. */
export interface LetterDetail extends LetterRow {
  readonly stack: string
  /** The original bytes, in base64. */
  readonly raw: string | null
  readonly headers: Readonly<Record<string, string | { readonly base64: string }>> | null
}

/** `GET /api/jobs/:job/letters/groups`: letters with the same operator, code and message, the most frequent first. */
export interface LetterGroups {
  readonly groups: readonly {
    readonly operator: string
    readonly code: string
    readonly message: string
    readonly count: number
    readonly first: number
    readonly last: number
  }[]
}

/** `GET /api/jobs/:job/doctor`: what is wrong, the worst first; empty if nothing is. */
export interface Diagnosis {
  readonly at: number
  readonly findings: readonly Finding[]
}

/** One thing that is wrong or unusual, and what helps. */
export interface Finding {
  /** Which of the doctor's questions found it: "bottleneck", "idle-split". */
  readonly code: string
  readonly severity: 'problem' | 'warning' | 'note'
  readonly operator: string | null
  readonly split: string | null
  /** Since when, in milliseconds since the epoch; null if that is not known. */
  readonly since: number | null
  /** "`enrich` is the bottleneck: 97 % busy, and everything before it waits." */
  readonly sentence: string
  /** Which option or change helps, as a sentence; empty if nothing has to be done. */
  readonly advice: string
}
