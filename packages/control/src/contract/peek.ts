/**
 * A record, in the events of `GET /api/jobs/:job/peek/:operator?output=&key=&keyType=&rate=&limit=&seconds=`: one that an operator has
 * emitted, or of a sink one that it reads. First come `record` events, a `progress` (`PeekProgress`) once a second, and at last an `end` (`PeekEnd`).
 *
 * `rate` is how many records are shown in a second at most (1 to 100, 10 by default), `limit` how many in all (1 to 10,000, 1,000 by default), and
 * `seconds` for how long (1 to 600, 30 by default). `output` is a side output. `key` is text; with `keyType=json` it is JSON. It needs the
 * right to peek.
 */
export interface PeekRecord {
  /** The operator that has emitted it. */
  readonly operator: string
  /** 'main', or a side output. */
  readonly output: string
  readonly subtask: number
  /** When it was seen, in milliseconds since the epoch. */
  readonly at: number
  /** Its event time in milliseconds since the epoch; null if it has none. */
  readonly time: number | null
  /** Absent if it has none. `***` where names of fields are hidden. */
  readonly key?: unknown
  readonly headers: Readonly<Record<string, unknown>>
  /** The value, as JSON can show it. Long texts and lists are cut, hidden fields are `***`. */
  readonly value: unknown
}

/** What a peek has seen so far. */
export interface PeekProgress {
  /** Records that have passed, and how many of them have the key that was asked for: all, if none was. */
  readonly seen: number
  readonly matched: number
  /** Records that were sent. */
  readonly shown: number
}

/** Why a peek is over: it has sent `limit` records, its time is over, or the job has ended. */
export interface PeekEnd extends PeekProgress {
  readonly reason: 'limit' | 'time' | 'job'
}
