import type { Random } from '@millrace/world'
import { durationMs, MillraceError, positiveDurationMs, type Duration, type EventTime } from '@millrace/core'

/** The input of `make`. If `make` reads anything else, records differ between runs. */
export interface RecordSeed {
  /** The record's index over all splits, from 0, in order of event time. */
  readonly index: number
  /**
   * The record's event time in milliseconds since the epoch. Copy it into the record if you need it there.
   */
  readonly time: EventTime
  /** Randomness for this record: the same for the same seed and index, independent of other records. */
  readonly random: Random
}

/** Options of `generate`: how many records, how fast, and how each is made. */
export interface GenerateOptions<T> {
  /** Any finite number. The same seed gives the same records on every machine. */
  readonly seed: number
  /** Makes one record. It must be pure: after a restart it may be called again for the same record. */
  readonly make: (from: RecordSeed) => T
  /** Number of records over all splits. Default: no end. A bounded job needs a count. */
  readonly count?: number
  /** Records per second of the clock, on average over all splits. Default: as fast as the pipeline reads. */
  readonly rate?: number
  /** Number of splits that share the records. It does not change the records. Default 1. */
  readonly splits?: number
  /** Event time of the first record, in milliseconds since the epoch. Default 0. */
  readonly startAt?: EventTime
  /** Event time between two records. Default: what `rate` says, or 1 ms without a rate. */
  readonly every?: Duration
  /**
   * How far a record's event time may be behind earlier records of its split, as a duration. The records are
   * the same, in another order. Default 0.
   */
  readonly maxOutOfOrderness?: Duration
}

/** The options with defaults applied. */
export interface GeneratorPlan<T> {
  readonly seed: number
  readonly make: (from: RecordSeed) => T
  /** Infinity for no end. */
  readonly count: number
  /** Infinity for no limit. */
  readonly rate: number
  readonly splits: number
  readonly startAt: EventTime
  readonly everyMs: number
  /** How many neighbours in event time are shuffled together; 1 for none. */
  readonly blockRecords: number
}

/** A block is shuffled as a whole, in memory. */
const blockRecordsMax = 1 << 20

/** Validates options and applies defaults. Throws `OPTION_INVALID`. */
export function planOf<T>(options: GenerateOptions<T>): GeneratorPlan<T> {
  const { seed, make, count = Infinity, rate = Infinity, splits = 1, startAt = 0 } = options
  requireOption(Number.isFinite(seed), 'seed', seed, 'a finite number')
  requireOption(
    count === Infinity || (Number.isSafeInteger(count) && count >= 0),
    'count',
    count,
    'a whole number, 0 or more',
  )
  requireOption(rate > 0, 'rate', rate, 'records per second, more than 0')
  requireOption(Number.isSafeInteger(splits) && splits >= 1, 'splits', splits, 'a whole number, 1 or more')
  requireOption(Number.isFinite(startAt), 'startAt', startAt, 'milliseconds since the epoch')
  const everyMs = options.every === undefined ? stepOf(rate) : positiveDurationMs(options.every, 'every')
  const maxOutOfOrdernessMs = durationMs(options.maxOutOfOrderness ?? 0, 'maxOutOfOrderness')
  const blockRecords = Math.min(
    Math.floor(maxOutOfOrdernessMs / (everyMs * splits)) + 1,
    Math.ceil(count / splits),
  )
  if (blockRecords > blockRecordsMax) {
    throw new MillraceError(
      'OPTION_INVALID',
      `generate: maxOutOfOrderness spans ${blockRecords} records of a split; at most ${blockRecordsMax} can be ` +
        'shuffled: choose a shorter one, a lower rate or more splits',
    )
  }
  return { seed, make, count, rate, splits, startAt, everyMs, blockRecords }
}

function stepOf(rate: number): number {
  return rate === Infinity ? 1 : 1_000 / rate
}

function requireOption(isValid: boolean, name: string, value: number, wanted: string): void {
  if (isValid) return
  throw new MillraceError('OPTION_INVALID', `generate: ${name} is ${value}. Give ${wanted}`)
}
