import { MillraceError, type Duration } from '@millrace/core'
import type { WindowsFingerprint } from './assigner.ts'
import { evictor, type Evictor } from './evictor.ts'
import { trigger, type ClockOptions, type Firing } from './trigger.ts'

/** One window for each key that never ends. What it emits is up to its trigger. */
export interface GlobalWindows {
  readonly isGlobal: true
  readonly description: string
  readonly fingerprint: WindowsFingerprint
  /** The trigger of count windows. Each of their panes begins anew, unless there is an evictor. */
  readonly firing?: Firing
  /** The evictor of count windows that slide. */
  readonly evictor?: Evictor
}

/**
 * One window for each key that never ends, for results that only a trigger asks for: `aggregate` needs a
 * `trigger`. What the last pane has not contained is emitted when the input ends.
 *
 * The `window` of a result has the times of its records: from the earliest to a millisecond after the latest.
 *
 * @example
 * keyed.window(globalWindow()).aggregate('so-far', { n: count() }, { trigger: trigger.every('1m') })
 */
export function globalWindow(): GlobalWindows {
  return {
    isGlobal: true,
    description: 'one window that never ends',
    fingerprint: { kind: 'global', settings: [] },
  }
}

/** Options of `countWindow`. */
export interface CountWindowOptions extends ClockOptions {
  /** After so long a window is emitted with fewer records, counting from its first one. Default: it waits. */
  readonly timeout?: Duration
  /**
   * After how many records there is a result: each is about the last `size` records, or those that have arrived so far.
   * Default: `size`, so that each record is in one window.
   */
  readonly slide?: number
}

/**
 * Windows of so many records of a key, in order of arrival. So results depend on that order. The last window of
 * a key may have fewer when the input ends.
 *
 * The `window` of a result has the times of its records: from the earliest to a millisecond after the latest.
 * No record is late.
 *
 * Throws `OPTION_INVALID`.
 *
 * @example
 * countWindow(100)
 * countWindow(100, { timeout: '10s' }) // or fewer, 10 seconds after the first
 * countWindow(100, { slide: 10 }) // every 10 records, the last 100
 */
export function countWindow(size: number, options: CountWindowOptions = {}): GlobalWindows {
  const { timeout, slide = size, ...clock } = options
  requireCount('size', size)
  requireCount('slide', slide)
  const full = trigger.records(slide)
  const firing = timeout === undefined ? full : trigger.any(full, trigger.after(timeout, clock))
  const sliding = options.slide === undefined ? '' : ` every ${slide} records`
  return {
    isGlobal: true,
    description: `windows of ${size} records${sliding}${timeout === undefined ? '' : `, or fewer after ${timeout}`}`,
    fingerprint: { kind: 'count', settings: [] },
    firing,
    ...(options.slide !== undefined && { evictor: evictor.count(size) }),
  }
}

function requireCount(what: string, given: number): void {
  if (Number.isSafeInteger(given) && given >= 1) return
  throw new MillraceError(
    'OPTION_INVALID',
    `a count window has ${what} ${String(given)}; give a whole number from 1`,
  )
}
