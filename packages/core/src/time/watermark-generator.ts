import type { Json } from '../codec/json.ts'
import { MillraceError } from '../errors/errors.ts'
import { isThenable, refusePromise } from '../errors/synchronous.ts'
import type { EventTime } from '../record/time.ts'

/**
 * Determines the watermark of each split of a source from its records.
 *
 * A generator must depend on records only, not on the clock, so that a replay gives the same results.
 *
 * @example
 * const byMarkers: WatermarkGenerator<Reading> = {
 *   name: 'markers',
 *   create: () => ({ onRecord: (reading) => (reading.isMarker ? reading.at : undefined) }),
 * }
 */
export interface WatermarkGenerator<T = unknown> {
  /** Names the kind of its state: state under another name is not restored. */
  readonly name: string
  /** Creates the generator of one split. `saved` is its state in the restored checkpoint, if there is one. */
  create(saved: Json | undefined): SplitWatermarkGenerator<T>
}

/** The watermark of one split. */
export interface SplitWatermarkGenerator<T = unknown> {
  /**
   * Called for each record, in order. Returns the watermark after it: no later record of the split is expected to be older.
   * Undefined, or a lower one than before: it does not advance. What it throws is handled like an error of `timestamp`.
   */
  onRecord(value: T, time: EventTime): EventTime | undefined
  /** The state for a checkpoint. Absent: a restored generator begins anew, from the watermark that was reached. */
  state?(): Json
}

/** The state of a generator in a checkpoint. */
export interface SavedGenerator {
  readonly name: string
  readonly state: Json
}

/** A generator at work for one split. */
export class GeneratorOfSplit {
  readonly #name: string
  readonly #generator: SplitWatermarkGenerator

  constructor(of: WatermarkGenerator, saved: SavedGenerator | undefined) {
    this.#name = of.name
    this.#generator = of.create(saved?.name === of.name ? saved.state : undefined)
  }

  /** The watermark after a record. Throws `TIMESTAMP_INVALID` for anything but a time or undefined. */
  onRecord(value: unknown, time: EventTime): EventTime | undefined {
    const watermark: unknown = this.#generator.onRecord(value, time)
    if (watermark === undefined || Number.isFinite(watermark)) return watermark as EventTime | undefined
    if (isThenable(watermark)) refusePromise(watermark, 'onRecord of a watermark generator returned')
    throw new MillraceError(
      'TIMESTAMP_INVALID',
      `the watermark generator '${this.#name}' returned ${typeof watermark === 'number' ? watermark : `a ${typeof watermark}`}; it must return milliseconds since the epoch as a finite number, or undefined`,
    )
  }

  saved(): SavedGenerator | undefined {
    const state = this.#generator.state?.()
    return state === undefined ? undefined : { name: this.#name, state }
  }
}
