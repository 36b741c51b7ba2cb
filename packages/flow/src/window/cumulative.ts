import { durationText, MillraceError, type Duration, type EventTime } from '@millrace/core'
import type { Slice, WindowAssigner, WindowsFingerprint } from './assigner.ts'
import { floorMod, floorTo, offsetMs, wholeMs } from './sliding.ts'

/** Options of `cumulative`. */
export interface CumulativeOptions {
  /** The length of the longest window, after which the next ones begin: a multiple of `step`. */
  readonly maxSize: Duration
  /** By how much each window is longer than the one before: a whole number of milliseconds. */
  readonly step: Duration
  /** The offset of starts from the epoch's multiples of `maxSize`, in milliseconds. May be negative. Default 0. */
  readonly offset?: Duration
}

/**
 * Windows that share their start and grow by `step` up to `maxSize`: a total of the day so far, every hour.
 *
 * Throws `OPTION_INVALID`.
 *
 * @example
 * cumulative({ maxSize: '1d', step: '1h' }) // [0h, 1h), [0h, 2h) and so on to [0h, 24h), then [24h, 25h)
 */
export function cumulative({ maxSize, step, offset = 0 }: CumulativeOptions): WindowAssigner {
  const maxMs = wholeMs(maxSize, 'maxSize')
  const stepMs = wholeMs(step, 'step')
  if (maxMs % stepMs !== 0) {
    throw new MillraceError(
      'OPTION_INVALID',
      `maxSize (${maxMs} ms) is not a multiple of step (${stepMs} ms); give a step that divides it`,
    )
  }
  return new CumulativeWindows(maxMs, stepMs, offsetMs(offset, maxMs, 'maxSize'))
}

class CumulativeWindows implements WindowAssigner {
  readonly description: string
  readonly fingerprint: WindowsFingerprint
  readonly #maxSize: number
  readonly #step: number
  readonly #offset: number

  constructor(maxSize: number, step: number, offset: number) {
    this.description = `cumulative windows of ${durationText(step)} to ${durationText(maxSize)}`
    this.fingerprint = {
      kind: 'cumulative',
      settings: [
        { name: 'longest size', value: maxSize, unit: 'ms' },
        { name: 'step', value: step, unit: 'ms' },
        { name: 'offset', value: floorMod(offset, maxSize), unit: 'ms' },
      ],
    }
    this.#maxSize = maxSize
    this.#step = step
    this.#offset = offset
  }

  slice(time: EventTime): Slice {
    const start = floorTo(time, this.#step, this.#offset)
    const end = start + this.#step
    const lastWindowEnd = floorTo(time, this.#maxSize, this.#offset) + this.#maxSize
    return { start, end, firstWindowEnd: end, lastWindowEnd }
  }

  startOf(windowEnd: EventTime): EventTime {
    return floorTo(windowEnd - 1, this.#maxSize, this.#offset)
  }
}
