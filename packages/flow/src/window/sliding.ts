import {
  durationMs,
  durationText,
  MillraceError,
  positiveDurationMs,
  type Duration,
  type EventTime,
} from '@millrace/core'
import { farthestTime, type Slice, type WindowAssigner, type WindowsFingerprint } from './assigner.ts'

/** Options of `sliding`. */
export interface SlidingOptions {
  /** The length of each window: a whole number of milliseconds. */
  readonly size: Duration
  /** The time between the starts of two windows: a whole number of milliseconds. */
  readonly slide: Duration
  /**
   * The offset of window starts from the epoch's multiples of `slide`, in milliseconds. May be negative.
   * Default 0.
   */
  readonly offset?: Duration
}

/**
 * Windows of one length: one starts every `slide`, and a record is in each that contains its time. They
 * overlap if `slide` is shorter than `size`. If it is longer, records between two windows are in none and are
 * counted as skipped.
 *
 * Throws `OPTION_INVALID`.
 *
 * @example
 * sliding({ size: '10s', slide: '5s' }) // [0s, 10s), [5s, 15s), [10s, 20s) and so on, also before the epoch
 * sliding({ size: '5m', slide: '1h' }) // the first five minutes of each hour
 */
export function sliding(options: SlidingOptions): WindowAssigner {
  const size = wholeMs(options.size, 'size')
  const slide = wholeMs(options.slide, 'slide')
  const offset = offsetMs(options.offset ?? 0, slide, 'slide')
  return new AlignedWindows(`sliding windows of ${durationText(size)} every ${durationText(slide)}`, {
    size,
    slide,
    offset,
  })
}

/** Window ends stay integers that a double represents exactly, also at the limits of the range. */
const longestMs = Number.MAX_SAFE_INTEGER - farthestTime

/**
 * Validates a size or slide in whole milliseconds. With fractions, two computed ends of one window could
 * differ.
 */
export function wholeMs(duration: Duration, parameter: string): number {
  return checkWhole(positiveDurationMs(duration, parameter), parameter)
}

/** Validates an offset in whole milliseconds, which may be negative and is smaller than the period. */
export function offsetMs(duration: Duration, period: number, periodName: string): number {
  const isNegative = typeof duration === 'string' ? duration.startsWith('-') : duration < 0
  const magnitude = typeof duration === 'string' ? duration.replace(/^-/, '') : Math.abs(duration)
  const ms = checkWhole(durationMs(magnitude, 'offset'), 'offset')
  if (ms < period) return isNegative && ms > 0 ? -ms : ms
  throw new MillraceError(
    'OPTION_INVALID',
    `offset (${isNegative ? '-' : ''}${ms} ms) must be shorter than ${periodName} (${period} ms); a longer one means the same windows as its remainder`,
  )
}

function checkWhole(ms: number, parameter: string): number {
  if (Number.isInteger(ms) && ms <= longestMs) return ms
  throw new MillraceError(
    'OPTION_INVALID',
    `${parameter} is ${ms} ms; windows have whole milliseconds and are at most ${longestMs} ms long`,
  )
}

/**
 * Windows of equal size, a constant step apart, aligned to the epoch plus an offset.
 *
 * Windows start at `offset + n * slide` and end at `offset + n * slide + size`, so with `rest = size mod slide`
 * slices begin at each start and, if `rest` is not 0, also `rest` after it.
 */
export class AlignedWindows implements WindowAssigner {
  readonly description: string
  readonly size: number
  readonly slide: number
  readonly offset: number
  /** How long after the start of a window another one ends; 0: at that start. */
  readonly #rest: number

  constructor(
    description: string,
    { size, slide, offset }: { readonly size: number; readonly slide: number; readonly offset: number },
  ) {
    this.description = description
    this.size = size
    this.slide = slide
    this.offset = offset
    this.#rest = size % slide
  }

  slice(time: EventTime): Slice {
    const base = floorTo(time, this.slide, this.offset)
    const middle = base + this.#rest
    const isFirst = time < middle || this.#rest === 0
    const start = isFirst ? base : middle
    return {
      start,
      end: isFirst && this.#rest > 0 ? middle : base + this.slide,
      firstWindowEnd: floorTo(start - this.size, this.slide, this.offset) + this.slide + this.size,
      lastWindowEnd: base + this.size,
    }
  }

  /**
   * Equal windows have equal fingerprints, whatever function created them and however the offset was written.
   */
  get fingerprint(): WindowsFingerprint {
    const { size, slide } = this
    const offset = floorMod(this.offset, slide)
    const settings = [
      { name: 'size', value: size, unit: 'ms' },
      { name: 'offset', value: offset * 2 > slide ? offset - slide : offset, unit: 'ms' },
    ] as const
    if (slide === size) return { kind: 'tumbling', settings }
    return { kind: 'sliding', settings: [...settings, { name: 'slide', value: slide, unit: 'ms' }] }
  }

  startOf(windowEnd: EventTime): EventTime {
    return windowEnd - this.size
  }

  /** The last multiple of the size: the slices of about two windows are merged once for all of them. */
  markOf(windowEnd: EventTime): EventTime {
    return Math.floor(windowEnd / this.size) * this.size
  }
}

/**
 * `a` modulo `b` with the sign of `b`, unlike `%`: times before 1970 are negative, and a window's start must
 * not be after them.
 *
 * @example
 * floorMod(-1, 7) // => 6
 */
export function floorMod(a: number, b: number): number {
  const rest = a % b
  // Adding zero turns the -0 of an exact negative multiple into 0.
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest + 0
}

/**
 * The greatest `offset + n * period` at or below `time`. Fractions are removed first, since they make the
 * arithmetic inexact.
 */
export function floorTo(time: EventTime, period: number, offset: number): EventTime {
  const whole = Math.floor(time)
  // Adding zero turns -0 into 0.
  return whole - floorMod(whole - offset, period) + 0
}
