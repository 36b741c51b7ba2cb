import { durationText, type Duration, type EventTime } from '@millrace/core'
import type { MergingWindows, Window } from './assigner.ts'
import { wholeMs } from './sliding.ts'

/**
 * Windows of activity: records of a key belong to one session as long as each comes within `gap` of another. A session
 * ends `gap` after its last record.
 *
 * Records exactly `gap` apart are in one session. A record that comes late into the gap between two sessions merges them.
 *
 * `gap` is a whole number of milliseconds, or a function that gives one for each record. Throws `OPTION_INVALID`.
 *
 * @example
 * session('30m') // visits of a web site
 * session((click: Click) => (click.isMobile ? '10m' : '30m'))
 */
export function session<T = unknown>(gap: Duration | ((value: T) => Duration)): MergingWindows<T> {
  return typeof gap === 'function' ? new SessionWindows(gap) : new SessionWindows<T>(wholeMs(gap, 'gap'))
}

class SessionWindows<T> implements MergingWindows<T> {
  readonly description: string
  readonly fingerprint: MergingWindows<T>['fingerprint']
  readonly #gapOf: (value: T) => number

  constructor(gap: number | ((value: T) => Duration)) {
    const isFixed = typeof gap === 'number'
    this.description = isFixed
      ? `sessions with a gap of ${durationText(gap)}`
      : 'sessions with a gap of each record'
    this.fingerprint = {
      kind: 'session',
      settings: [
        isFixed ? { name: 'gap', value: gap, unit: 'ms' } : { name: 'gap', value: 'of each record' },
      ],
    }
    this.#gapOf = isFixed ? () => gap : (value) => wholeMs(gap(value), 'the gap of a session')
  }

  windowOf(value: T, time: EventTime): Window {
    return { start: time, end: time + this.#gapOf(value) }
  }
}
