import type { TimedStream } from '@millrace/flow'
import type { NexmarkEvent } from '../events.ts'

/** A value of a column: whole numbers, and times in milliseconds since the epoch. */
export type Cell = string | number

/** A result: a value for each column. */
export type Row = Readonly<Record<string, Cell>>

/** A query of Nexmark, as a user of Millrace would write it. */
export interface Query {
  /** What it computes. */
  readonly asks: string
  /** The columns of its results, in the order of the original. */
  readonly columns: readonly string[]
  /**
   * The columns that say which earlier result a result replaces. Absent: results are added, and none is ever
   * replaced.
   */
  readonly key?: readonly string[]
  /**
   * Present if the rows depend on the clock: then only the sums of the second column for each value of the first can
   * be compared.
   */
  readonly totals?: readonly [by: string, of: string]
  /** Events per second and core of the best published Flink: the figure to beat. */
  readonly flink: number
  /** Adds its operators to a stream of events. */
  build(events: TimedStream<NexmarkEvent>): TimedStream<Row>
}

/** The queries of one file, by name. */
export type Queries = Readonly<Record<string, Query>>

/** How far an event may be behind the newest one. */
export const outOfOrder = '4s'

/** Formats times, and remembers the last text: many events in a row have the same one, and a `Date` costs more. */
function formatter(unitMs: number, from: number, to: number): (time: number) => string {
  let unit = Number.NaN
  let text = ''
  return (time) => {
    const next = Math.floor(time / unitMs)
    if (next !== unit) text = new Date(time).toISOString().slice(from, to)
    unit = next
    return text
  }
}

/** Returns the date of an event time, in UTC: `2015-07-15`. */
export const dateOf = formatter(86_400_000, 0, 10)

/** Returns the time of day of an event time, in UTC: `07:30`. */
export const minuteOf = formatter(60_000, 11, 16)
