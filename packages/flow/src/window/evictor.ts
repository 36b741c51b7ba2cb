import {
  MillraceError,
  positiveDurationMs,
  requireKnown,
  type Duration,
  type EventTime,
} from '@millrace/core'
import { isThenable, refusePromise } from '@millrace/core/operator'
import { requireChoice } from '../operators/choice.ts'
import { requireFunction } from '../synchronous.ts'

declare const accepts: unique symbol

/** A record of a window, with its event time. */
export interface WindowRecord<out T> {
  readonly value: T
  readonly time: EventTime
}

/** Which records leave a window for good, before or after each of its results: made by the functions of `evictor`. */
export interface Evictor<in T = unknown> {
  /** Phantom type of the records; never present at run time. */
  readonly [accepts]?: (value: T) => void
  /** For people: "all but the last 3". */
  readonly description: string
  /** `'before'`: results are without them. `'after'`: the next result is without them. */
  readonly when: 'before' | 'after'
  /** The records that stay, in their order. */
  keep(records: readonly WindowRecord<unknown>[]): readonly WindowRecord<unknown>[]
}

/** The options of all evictors. */
export interface EvictorOptions {
  /** Whether records leave before a result or after it. Default `'before'`. */
  readonly when?: 'before' | 'after'
}

function evictorOf(
  description: string,
  options: EvictorOptions,
  keep: (records: readonly WindowRecord<unknown>[]) => readonly WindowRecord<unknown>[],
): Evictor {
  requireKnown('an evictor', options, ['when'])
  const { when = 'before' } = options
  requireChoice('when of an evictor', when, ['before', 'after'])
  return { description, when, keep }
}

/**
 * Which records leave a window, so that its results are about the others only. Records are in order of arrival; those of
 * sessions that have merged are session by session. (Evictors, after Flink.)
 *
 * All records of a window are kept until they leave, and each result aggregates those that stay anew.
 *
 * @example
 * keyed
 *   .window(globalWindow())
 *   .aggregate('recent', { n: count() }, { trigger: trigger.eachRecord(), evict: evictor.time('10m') })
 */
export const evictor = {
  /** All records but the last `n` leave. */
  count(n: number, options: EvictorOptions = {}): Evictor {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new MillraceError(
        'OPTION_INVALID',
        `an evictor keeps ${String(n)} records; give a whole number from 1`,
      )
    }
    return evictorOf(`all but the last ${n}`, options, (records) => records.slice(-n))
  },

  /** Records leave that are `span` or more older than the latest one, by event time. */
  time(span: Duration, options: EvictorOptions = {}): Evictor {
    const ms = positiveDurationMs(span, 'the span of an evictor')
    return evictorOf(`those ${ms} ms or more behind the latest`, options, (records) => {
      let latest = Number.NEGATIVE_INFINITY
      for (const { time } of records) latest = Math.max(latest, time)
      return records.filter(({ time }) => time > latest - ms)
    })
  },

  /**
   * Records leave whose `distance` from the last one is `threshold` or more.
   *
   * @example
   * evictor.delta(0.5, (reading: Reading, last) => Math.abs(reading.celsius - last.celsius))
   */
  delta<T>(
    threshold: number,
    distance: (value: T, last: T) => number,
    options: EvictorOptions = {},
  ): Evictor<T> {
    requireFunction(distance, 'the evictor delta')
    if (Number.isNaN(Number(threshold))) {
      throw new MillraceError(
        'OPTION_INVALID',
        `an evictor has the threshold ${String(threshold)}; give a number`,
      )
    }
    return evictorOf(`those ${threshold} or more away from the last`, options, (records) => {
      const last = records.at(-1)?.value as T
      return records.filter(({ value }) => distanceOf(distance(value as T, last)) < threshold)
    })
  },

  /**
   * Records leave for which `leaves` is true: an evictor of your own. It is given all records of the window, too. If all
   * leave before a result, there is none.
   */
  where<T>(
    leaves: (record: WindowRecord<T>, records: readonly WindowRecord<T>[]) => boolean,
    options: EvictorOptions = {},
  ): Evictor<T> {
    requireFunction(leaves, 'the evictor where')
    return evictorOf('those that a function chooses', options, (records) =>
      records.filter((record) => {
        const isLeaving: unknown = leaves(record as WindowRecord<T>, records as readonly WindowRecord<T>[])
        if (isThenable(isLeaving)) refusePromise(isLeaving, 'the function of an evictor returned')
        return isLeaving !== true
      }),
    )
  },
}

function distanceOf(distance: unknown): number {
  if (typeof distance === 'number' && !Number.isNaN(distance)) return distance
  if (isThenable(distance)) refusePromise(distance, 'the distance of an evictor returned')
  throw new MillraceError(
    'OPTION_INVALID',
    `the distance of an evictor returned ${String(distance)}; it must return a number`,
  )
}
