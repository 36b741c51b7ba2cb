import {
  durationMs,
  MillraceError,
  positiveDurationMs,
  requireKnown,
  type Duration,
  type EventTime,
  type Json,
  type SplitWatermarkGenerator,
  type WatermarkGenerator,
} from '@millrace/core'
import { requireSynchronous } from '../synchronous.ts'

/** Options of `adaptiveWatermark`. */
export interface AdaptiveWatermarkOptions {
  /** The longest time that the watermark stays behind the newest record. It is the delay until enough is known. */
  readonly atMost: Duration
  /** The shortest. Default 0. */
  readonly atLeast?: Duration
  /** The share of records that should be in time, above 0 and at most 1. Default 0.99. */
  readonly share?: number
}

/**
 * A watermark that learns how much out of order the records of each split are: it stays behind the newest one by the
 * out-of-orderness that the given share of recent records does not exceed.
 *
 * Results depend on the records and their order in each split, not on the clock; what it has learned is part of checkpoints.
 *
 * @example
 * clicks.withTimestamps({ timestamp: (click) => click.at, watermark: adaptiveWatermark({ share: 0.999, atMost: '10m' }) })
 */
export function adaptiveWatermark(options: AdaptiveWatermarkOptions): WatermarkGenerator {
  requireKnown('adaptiveWatermark', options, ['atMost', 'atLeast', 'share'])
  const atMostMs = positiveDurationMs(options.atMost, 'atMost of adaptiveWatermark')
  const atLeastMs = durationMs(options.atLeast ?? 0, 'atLeast of adaptiveWatermark')
  const share = options.share ?? 0.99
  if (!(share > 0 && share <= 1)) {
    throw new MillraceError(
      'OPTION_INVALID',
      `share of adaptiveWatermark is ${String(share)}; give a number above 0 and at most 1, such as 0.99`,
    )
  }
  if (atLeastMs > atMostMs) {
    throw new MillraceError(
      'OPTION_INVALID',
      'atLeast of adaptiveWatermark is above atMost; give a smaller one',
    )
  }
  return {
    name: 'adaptive',
    create: (saved) => new AdaptiveWatermark(share, atLeastMs, atMostMs, saved),
  }
}

/**
 * A watermark that certain records carry, such as the markers that some producers send. `watermarkOf` returns it, or
 * undefined for a record that carries none.
 *
 * @example
 * events.withTimestamps({
 *   timestamp: (event) => event.at,
 *   watermark: punctuatedWatermark((event: Event) => (event.kind === 'end of hour' ? event.at : undefined)),
 * })
 */
export function punctuatedWatermark<T>(
  watermarkOf: (value: T, time: EventTime) => EventTime | undefined,
): WatermarkGenerator<T> {
  requireSynchronous(watermarkOf, 'punctuatedWatermark', undefined)
  return { name: 'punctuated', create: () => ({ onRecord: watermarkOf }) }
}

/** The delay is determined anew after so many records. */
const learnEvery = 64
/** Counts are halved after so many records, so that old ones lose their weight. */
const halveEvery = 4_096

/** Counts records by how far they are behind the newest one before them. */
class AdaptiveWatermark implements SplitWatermarkGenerator {
  readonly #share: number
  readonly #atLeastMs: number
  readonly #atMostMs: number
  /** Counts by bucket. */
  readonly #counts: number[]
  #newest: EventTime
  #seen: number
  #delayMs: number

  constructor(share: number, atLeastMs: number, atMostMs: number, saved: Json | undefined) {
    this.#share = share
    this.#atLeastMs = atLeastMs
    this.#atMostMs = atMostMs
    const [newest = null, seen = 0, delayMs = atMostMs, ...counts] = (saved ?? []) as (number | null)[]
    this.#newest = newest ?? Number.NEGATIVE_INFINITY
    this.#seen = seen!
    this.#delayMs = this.#limited(delayMs!)
    this.#counts = counts as number[]
  }

  onRecord(_: unknown, time: EventTime): EventTime {
    const bucket = bucketOf(Math.max(0, this.#newest - time))
    while (this.#counts.length <= bucket) this.#counts.push(0)
    this.#counts[bucket]!++
    this.#newest = Math.max(this.#newest, time)
    this.#seen++
    if (this.#seen % learnEvery === 0) this.#learn()
    return this.#newest - this.#delayMs
  }

  state(): Json {
    return [Number.isFinite(this.#newest) ? this.#newest : null, this.#seen, this.#delayMs, ...this.#counts]
  }

  #learn(): void {
    const counts = this.#counts
    const wanted = this.#share * counts.reduce((sum, count) => sum + count, 0)
    let found = 0
    const bucket = counts.findIndex((count) => (found += count) >= wanted)
    this.#delayMs = this.#limited(topOf(bucket))
    if (this.#seen % halveEvery === 0) for (const [i, count] of counts.entries()) counts[i] = count >> 1
  }

  #limited(delayMs: number): number {
    return Math.min(this.#atMostMs, Math.max(this.#atLeastMs, delayMs))
  }
}

/** Whole milliseconds up to 15 have a bucket each; above that there are eight for each power of two. */
function bucketOf(delayMs: number): number {
  let rest = Math.ceil(delayMs)
  let doublings = 0
  while (rest > 15 && doublings < 64) {
    rest = Math.floor(rest / 2)
    doublings++
  }
  return doublings * 8 + Math.min(rest, 15)
}

/** The longest delay of a bucket. */
function topOf(bucket: number): number {
  if (bucket <= 15) return bucket
  const doublings = Math.floor(bucket / 8) - 1
  return (bucket - doublings * 8 + 1) * 2 ** doublings - 1
}
