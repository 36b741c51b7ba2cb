import {
  durationText,
  MillraceError,
  positiveDurationMs,
  type Duration,
  type EventTime,
} from '@millrace/core'
import type { Aggregate } from './aggregate.ts'
import { floorMod } from './sliding.ts'

declare const accepts: unique symbol

/** The records of a window that have arrived since its last pane. There is at least one. */
export interface WaitingPane {
  readonly records: number
  /** Since when the first of them has waited: its event time, or the watermark if that was later. */
  readonly since: EventTime
  /** The clock when the first of them came. NaN unless a firing reads the clock. */
  readonly sinceClock: number
  /** What the aggregate of a condition makes of them. */
  resultOf(condition: Condition): unknown
}

/** Where event time and the clock are. */
export interface Moment {
  readonly watermark: EventTime
  readonly now: number
}

/** When a window emits a pane: made by the functions of `trigger`. It counts from the window's last pane. */
export interface Firing<in T = unknown> {
  /** Phantom type of the records; never present at run time. */
  readonly [accepts]?: (value: T) => void
  /** For people: "every 100 records". */
  readonly description: string
  readonly readsClock: boolean
  readonly conditions: readonly Condition[]
  isDue(pane: WaitingPane, at: Moment): boolean
  /** The first event time after `after` at which it may become due without another record. */
  nextEvent(pane: WaitingPane, after: EventTime): EventTime
  /** The same by the clock. */
  nextClock(pane: WaitingPane, after: number): number
}

/** An aggregate of the records since the last pane, and when its result is a reason to fire. */
export interface Condition {
  readonly aggregate: Aggregate<unknown, unknown, unknown>
  readonly test: (result: unknown) => boolean
}

/** When a window emits panes: when it ends, and before and after. */
export interface EndTrigger<in T = unknown> {
  /** Phantom type of the records; never present at run time. */
  readonly [accepts]?: (value: T) => void
  readonly earlyFiring: Firing | undefined
  readonly lateFiring: Firing
  /** Emits panes before the end of the window, too. */
  early<U extends T>(firing: Firing<U>): EndTrigger<U>
  /** Emits panes for late records when `firing` says so. Default: with each late record. */
  late<U extends T>(firing: Firing<U>): EndTrigger<U>
}

/** The clock of a firing: event time, or processing time. */
export interface ClockOptions {
  /** `'processing'`: by the clock of the machine; results then depend on when records arrive. Default `'event'`. */
  readonly clock?: 'event' | 'processing'
}

const never = {
  readsClock: false,
  conditions: [] as readonly Condition[],
  nextEvent: () => Number.POSITIVE_INFINITY,
  nextClock: () => Number.POSITIVE_INFINITY,
} as const

function everyRecords(n: number): Firing {
  if (!Number.isSafeInteger(n) || n < 1) {
    throw new MillraceError('OPTION_INVALID', `records is given ${String(n)}; give a whole number from 1`)
  }
  return {
    ...never,
    description: n === 1 ? 'each record' : `every ${n} records`,
    isDue: (pane) => pane.records >= n,
  }
}

/** Fires at a time that follows from when the first record came. */
function timed(
  description: string,
  { clock = 'event' }: ClockOptions,
  dueOf: (since: number) => number,
): Firing {
  const after = (due: number, past: number): number => (due > past ? due : Number.POSITIVE_INFINITY)
  if (clock === 'event') {
    return {
      ...never,
      description,
      isDue: ({ since }, { watermark }) => watermark >= dueOf(since),
      nextEvent: ({ since }, past) => after(dueOf(since), past),
    }
  }
  if (clock !== 'processing') {
    throw new MillraceError(
      'OPTION_INVALID',
      `clock is ${JSON.stringify(clock)}; it must be 'event' or 'processing'`,
    )
  }
  return {
    ...never,
    description: `${description} by the clock`,
    readsClock: true,
    isDue: ({ sinceClock }, { now }) => now >= dueOf(sinceClock),
    nextClock: ({ sinceClock }, past) => after(dueOf(sinceClock), past),
  }
}

/** Combines firings: `isDue` says of which of them it is made. */
function combined(
  word: string,
  firings: readonly Firing[],
  isDue: (pane: WaitingPane, at: Moment) => boolean,
): Firing {
  if (firings.length < 2) {
    throw new MillraceError('OPTION_INVALID', `a combination with '${word}' needs two firings or more`)
  }
  return {
    description: firings.map(({ description }) => description).join(` ${word} `),
    readsClock: firings.some(({ readsClock }) => readsClock),
    conditions: firings.flatMap(({ conditions }) => conditions),
    isDue,
    nextEvent: (pane, after) => Math.min(...firings.map((each) => each.nextEvent(pane, after))),
    nextClock: (pane, after) => Math.min(...firings.map((each) => each.nextClock(pane, after))),
  }
}

function endTrigger(earlyFiring: Firing | undefined, lateFiring: Firing): EndTrigger {
  return {
    earlyFiring,
    lateFiring,
    early: (firing) => endTrigger(firing as Firing, lateFiring),
    late: (firing) => endTrigger(earlyFiring, firing as Firing),
  }
}

/**
 * When a window emits results. `atEnd` is for windows that end; the other functions make firings, which fire
 * again and again, each time for the records since the last pane.
 *
 * @example
 * trigger.atEnd() //                                            when it ends, and with each late record
 * trigger.atEnd().early(trigger.every('1m')) //                 and each minute before
 * trigger.atEnd().late(trigger.records(100)) //                 late records by the hundred
 * trigger.any(trigger.records(100), trigger.after('10s')) //    100 records, or fewer after 10 seconds
 */
export const trigger = {
  /** Fires when the window ends and, within `allowedLateness`, with each late record. */
  atEnd: (): EndTrigger => endTrigger(undefined, everyRecords(1)),

  /** Fires with each record. */
  eachRecord: (): Firing => everyRecords(1),

  /** Fires when `n` records have arrived. */
  records: (n: number): Firing => everyRecords(n),

  /** Fires at each multiple of a duration, if records have arrived. */
  every(period: Duration, options: ClockOptions = {}): Firing {
    const ms = positiveDurationMs(period, 'every')
    return timed(`every ${durationText(ms)}`, options, (since) => since - floorMod(since, ms) + ms)
  },

  /** Fires so long after the first record. */
  after(delay: Duration, options: ClockOptions = {}): Firing {
    const ms = positiveDurationMs(delay, 'after')
    return timed(`after ${durationText(ms)}`, options, (since) => since + ms)
  },

  /** Fires when one of the firings does. */
  any: <T = unknown>(...firings: readonly Firing<T>[]): Firing<T> =>
    combined('or', firings as readonly Firing[], (pane, at) =>
      (firings as readonly Firing[]).some((each) => each.isDue(pane, at)),
    ),

  /** Fires when all of the firings would. */
  all: <T = unknown>(...firings: readonly Firing<T>[]): Firing<T> =>
    combined('and', firings as readonly Firing[], (pane, at) =>
      (firings as readonly Firing[]).every((each) => each.isDue(pane, at)),
    ),

  /**
   * Fires when an aggregate of the records passes a test: a trigger of your own.
   *
   * @example
   * trigger.when(sum((payment: Payment) => payment.amount), (total) => total > 1000)
   */
  when<T, Result>(aggregate: Aggregate<T, unknown, Result>, test: (result: Result) => boolean): Firing<T> {
    const condition = { aggregate, test } as unknown as Condition
    return {
      ...never,
      description: `when ${aggregate.kind} passes a test`,
      conditions: [condition],
      isDue: (pane) => condition.test(pane.resultOf(condition)),
    }
  },
}
