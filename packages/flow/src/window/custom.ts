import { MillraceError, type EventTime } from '@millrace/core'
import type { Slice, Window, WindowAssigner, WindowsFingerprint } from './assigner.ts'

/** Windows of your own, for `customWindows`. */
export interface CustomWindows {
  /** A name that no other windows have. */
  readonly kind: string
  /** A whole number from 1. Raise it when `windowOf` changes, so that open windows of a checkpoint are not misread. */
  readonly version: number
  /**
   * The window that contains a time. It depends on the time only. Windows neither overlap nor leave gaps, and last one
   * millisecond or longer.
   */
  readonly windowOf: (time: EventTime) => Window
}

/**
 * Windows of your own: consecutive ones, of any length.
 *
 * Throws `OPTION_INVALID` without a kind or a version. A window that does not contain the given time fails the job with
 * `GRAPH_INVALID`.
 *
 * @example
 * const months = customWindows({
 *   kind: 'months in UTC',
 *   version: 1,
 *   windowOf(time) {
 *     const date = new Date(time)
 *     const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
 *     return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) }
 *   },
 * })
 * keyed.window(months).aggregate('bill', { total: sum((use) => use.price) })
 */
export function customWindows({ kind, version, windowOf }: CustomWindows): WindowAssigner {
  if (typeof kind === 'string' && kind !== '' && Number.isSafeInteger(version) && version >= 1) {
    const fingerprint = { kind, settings: [{ name: 'version', value: version }] }
    return new ConsecutiveWindows(`windows of kind '${kind}'`, fingerprint, windowOf)
  }
  throw new MillraceError(
    'OPTION_INVALID',
    `windows have kind ${JSON.stringify(kind) ?? 'undefined'} and version ${String(version)}; give them a name and a version from 1, so that a changed program does not misread open windows`,
  )
}

/** Windows of any length, one after another: each is one slice. */
export class ConsecutiveWindows implements WindowAssigner {
  readonly description: string
  readonly fingerprint: WindowsFingerprint
  readonly #windowOf: (time: EventTime) => Window

  constructor(description: string, fingerprint: WindowsFingerprint, windowOf: (time: EventTime) => Window) {
    this.description = description
    this.fingerprint = fingerprint
    this.#windowOf = windowOf
  }

  slice(time: EventTime): Slice {
    const { start, end } = this.#window(time)
    return { start, end, firstWindowEnd: end, lastWindowEnd: end }
  }

  startOf(windowEnd: EventTime): EventTime {
    const { start, end } = this.#window(windowEnd - 1)
    if (end === windowEnd) return start
    throw this.#inconsistent(`a window that ends at ${windowEnd}, and one from ${start} to ${end}`)
  }

  #window(time: EventTime): Window {
    const window = this.#windowOf(time)
    if (window.start <= time && time < window.end) return window
    throw this.#inconsistent(`the window from ${window.start} to ${window.end} for the time ${time}`)
  }

  #inconsistent(what: string): MillraceError {
    return new MillraceError(
      'GRAPH_INVALID',
      `${this.description} returned ${what}; a window contains the time that windowOf is given, and windows neither overlap nor leave gaps`,
    )
  }
}
