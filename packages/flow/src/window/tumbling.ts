import { durationText, type Duration } from '@millrace/core'
import type { WindowAssigner } from './assigner.ts'
import { AlignedWindows, offsetMs, wholeMs } from './sliding.ts'

/** Options of `tumbling`. */
export interface TumblingOptions {
  /**
   * The offset of window starts from the epoch's multiples of the size, in milliseconds. May be negative.
   * Default 0.
   */
  readonly offset?: Duration
}

/**
 * Consecutive windows of one length: each record is in exactly one.
 *
 * `size` is a whole number of milliseconds. Throws `OPTION_INVALID`.
 *
 * @example
 * tumbling('1m')                    // [0s, 60s), [60s, 120s) and so on, also before the epoch
 * tumbling('1d', { offset: '-8h' }) // days of a zone 8 hours ahead of UTC
 */
export function tumbling(size: Duration, options: TumblingOptions = {}): WindowAssigner {
  const sizeMs = wholeMs(size, 'size')
  const offset = offsetMs(options.offset ?? 0, sizeMs, 'size')
  return new AlignedWindows(`tumbling windows of ${durationText(sizeMs)}`, {
    size: sizeMs,
    slide: sizeMs,
    offset,
  })
}
