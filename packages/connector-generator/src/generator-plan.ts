import type { Random } from '@millrace/world'
import { durationMs, MillraceError, positiveDurationMs, type Duration, type EventTime } from '@millrace/core'

/** What a record is made from. Everything else that `make` looks at makes the records differ between runs. */
export interface RecordSeed {
  /** The record's number over all splits, from 0 in the order of event time. */
  readonly index: number
  /** The record's event time in milliseconds since the epoch. Put it into the record to have it there. */
  readonly time: EventTime
  /** The record's own randomness: the same for the same seed and index, whatever was drawn for others. */
  readonly random: Random
}

/** What to generate: how many records, how fast, and how each is made. */
export interface GenerateOptions<T> {
  /** One seed gives one sequence of records, on every machine. Any finite number. */
  readonly seed: number
  /** Makes one record. It may be called again for the same record after a restart, and must be pure. */
  readonly make: (from: RecordSeed) => T
  /** How many records there are over all splits. Default: no end; a bounded job needs one. */
  readonly count?: number
  /** Records per second of the clock, over all splits and on average. Default: as fast as they are taken. */
  readonly rate?: number
  /** How many splits share the records. Which records there are does not depend on it. Default 1. */
  readonly splits?: number
  /** Event time of the first record, in milliseconds since the epoch. Default 0. */
  readonly startAt?: EventTime
  /** Event time between two records. Default: what `rate` says, or 1 ms without a rate. */
  readonly every?: Duration
  /**
   * How far a record's event time may be behind that of records before it in its split. The records are
   * the same ones in another order. Default 0.
   */
  readonly maxOutOfOrderness?: Duration
}

/** The options with every default filled in. */
export interface GeneratorPlan<T> {
  readonly seed: number
  readonly make: (from: RecordSeed) => T
  /** Infinity: no end. */
  readonly count: number
  /** Infinity: as fast as possible. */
  readonly rate: number
  readonly splits: number
  readonly startAt: EventTime
  readonly everyMs: number
  /** How many neighbours in event time are shuffled among themselves; 1: none. */
  readonly blockRecords: number
}

/** A block is shuffled as a whole, in memory. */
const blockRecordsMax = 1 << 20

/** Throws `OPTION_INVALID` for options that make no sense. */
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
  throw new MillraceError('OPTION_INVALID', `generate: ${name} is ${value}; give ${wanted}`)
}
