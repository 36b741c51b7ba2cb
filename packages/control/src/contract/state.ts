/**
 * `latest`: what the job holds now, as its operators see it; it goes back when the job fails and restarts. `checkpoint`:
 * what its newest checkpoint holds, which costs reading it from disk.
 */
export type StateRead = 'latest' | 'checkpoint'

/** A copy of state that another worker keeps: what it was at a checkpoint. */
export interface StateCopy {
  /** When the checkpoint was made, in milliseconds since the epoch. */
  readonly at: number
  /** How old it was when it was read, in milliseconds. */
  readonly ageMs: number
}

/** `GET /api/jobs/:job/state`. */
export interface StateList {
  readonly operators: readonly StateOperator[]
}

/** An operator whose state can be read by key. */
export interface StateOperator {
  readonly operator: string
  readonly type: string
  /** What is kept and how long, as a phrase. */
  readonly keeps: string
  /** The kinds of key that it has had at the newest checkpoint: "string", "object {card, shop}". */
  readonly keys: readonly string[]
  readonly tables: readonly { readonly table: string; readonly cells: number }[]
}

/**
 * `GET /api/jobs/:job/state/:operator/:key?table=&keyType=&read=&values=&stale=&atLeast=`. The key is text; with `keyType=json` it is JSON, as a number,
 * a list or an object. With `values=exact` nothing is cut, and the client of `@millrace/control/client` makes the same values of it.
 *
 * With `atLeast=CHECKPOINT` it waits until that checkpoint or a later one is complete, five seconds at most; then the answer is 503 with
 * `Retry-After`.
 *
 * Of a job that several workers run, any of them answers for any key. While the state moves to another worker the answer is 503 with
 * `Retry-After`; with `stale=true` it is that of a copy, if a worker keeps one.
 */
export interface StateAnswer {
  readonly operator: string
  readonly key: unknown
  readonly read: StateRead
  /** The checkpoint that was read; null for `latest`. */
  readonly checkpoint: number | null
  /** Empty if the key has no state. */
  readonly entries: readonly StateEntry[]
  /** Where it was read, if that is not the worker that has the state: only with `stale=true`. The oldest, if there are several. */
  readonly copy?: StateCopy
}

/** One value of a key. */
export interface StateEntry {
  readonly key: unknown
  readonly table: string
  /** The key in a map, or the window; null where a key has one value. */
  readonly inner: unknown
  /** The value, as JSON can show it. */
  readonly value: unknown
}

/** `GET /api/jobs/:job/state/:operator?table=&prefix=&from=&to=&keyType=&limit=&cursor=&read=&values=&stale=&atLeast=`: a scan in the order of
 * creation. `from` (inclusive) and `to` (exclusive) are keys; keys of other types are not in the range. State is not in the order of
 * keys, so `prefix`, `from` and `to` are compared with every key, 10,000 values in one request. */
export interface StatePage {
  readonly operator: string
  readonly read: StateRead
  /** The checkpoint that was read; null for `latest`. */
  readonly checkpoint: number | null
  readonly entries: readonly StateEntry[]
  readonly next: string | null
  /** As in `StateAnswer`. */
  readonly copy?: StateCopy
}

/**
 * The data of the events of `GET /api/jobs/:job/watch/:operator?table=&key=&keyType=&limit=&values=`: first `snapshot`, then a
 * `change` once a second with what has changed since. A reader that comes back with `Last-Event-ID` gets the changes since that
 * event, or a snapshot where they are no longer known.
 */
export interface StateChange {
  readonly entries: readonly StateEntry[]
  /** Entries that are gone, without their values. */
  readonly removed: readonly Omit<StateEntry, 'value'>[]
}
