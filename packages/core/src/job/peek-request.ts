import type { PartOutput } from '../operator/tap.ts'
import type { Key } from '../record/key.ts'

/** What one peek asks of each worker. Plain data: it goes to other threads. */
export interface PeekRequest {
  /** Unique in the job. */
  readonly id: number
  readonly outputs: readonly PartOutput[]
  /** Only records of this key; undefined: all. */
  readonly key: { readonly is: Key } | undefined
  readonly perSecond: number
  /** Names of fields whose values are hidden. */
  readonly redact: readonly string[]
}

/** One record that a part has emitted, as JSON can show it: long texts and lists are cut, and hidden values are `***`. */
export interface PeekedRecord {
  readonly operator: string
  readonly output: string
  readonly subtask: number
  /** When it was seen, in milliseconds since the epoch. */
  readonly at: number
  /** Its event time in milliseconds since the epoch; null if it has none. */
  readonly time: number | null
  /** Absent if it has none. */
  readonly key?: unknown
  readonly headers: Readonly<Record<string, unknown>>
  readonly value: unknown
}

/** What a peek has seen since it was last asked. */
export interface Peeked {
  readonly records: readonly PeekedRecord[]
  /** Records that were emitted meanwhile, and how many of them have the key that is looked for. */
  readonly seen: number
  readonly matched: number
}
