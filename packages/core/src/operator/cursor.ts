import type { Batch, Origin } from '../record/element.ts'
import type { RecordHeaders } from '../record/headers.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import { describeValue } from '../errors/safe-json.ts'
import type { Place, RecordFacts } from './failure-policy.ts'
import type { Timer } from './operator.ts'
import type { OpenSpan } from './tracing.ts'

/**
 * The current position of one task: the record or timer being handled, its watermark, and whether the outputs
 * are full.
 *
 * One object per task, shared by its chain and its outputs, so that these need not be passed with every
 * record.
 */
export class Cursor implements Place {
  /** The watermark of the whole chain; current output is emitted under it. */
  watermark: EventTime = MIN_TIME
  /** Set by an output without space; the task stops between two records and waits. */
  isFull = false
  /** Index of the current record in `origin`, or -1 for a timer. */
  originIndex = -1
  origin: Origin | undefined = undefined
  /** The headers of the current record: what is emitted carries them. None for a timer. */
  headers: RecordHeaders | undefined = undefined
  /** The span of what is done with the current record; undefined: it is not traced. */
  span: OpenSpan | undefined = undefined
  /** How many attempts at the current record have failed if this one does; undefined: one. */
  attempts?: number | undefined
  /** The timer being handled, or the end of the input. */
  #timer: Timer | 'end' | undefined = undefined

  /** Sets the current record of `batch`. */
  at(batch: Batch, index: number): void {
    this.originIndex = batch.originIndex === undefined ? index : batch.originIndex[index]!
    this.headers = batch.headers === undefined ? undefined : batch.headers[index]
  }

  enter(batch: Batch): void {
    this.origin = batch.origin
    this.#timer = undefined
  }

  /** Sets the current timer, or the end of the input. */
  atTimer(timer: Timer | 'end'): void {
    this.originIndex = -1
    this.headers = undefined
    this.#timer = timer
  }

  place(): string {
    if (this.originIndex >= 0) return placeOfRecord(this.origin, this.originIndex)
    if (this.#timer === undefined) return 'a record made by a timer upstream'
    if (this.#timer === 'end') return 'the end of its input'
    const { domain, time, key } = this.#timer
    return `${domain} timer ${time} of key ${describeValue(key, 200) ?? '?'}`
  }

  raw(): Uint8Array | undefined {
    return this.originIndex >= 0 ? this.origin?.raw(this.originIndex) : undefined
  }

  facts(): RecordFacts | undefined {
    return factsOfRecord(this.origin, this.originIndex)
  }
}

/** What is known about a record of a source; undefined for any other. */
export function factsOfRecord(origin: Origin | undefined, index: number): RecordFacts | undefined {
  if (origin === undefined || index < 0) return undefined
  return {
    source: origin.source,
    split: origin.splitLabel ?? origin.split,
    position: origin.place(index),
    redrives: origin.redrives?.(index) ?? 0,
  }
}

/** Formats the place of a record for messages. */
export function placeOfRecord(origin: Origin | undefined, index: number): string {
  if (origin === undefined || index < 0) return 'a record from an unknown place'
  return `source '${origin.source}', split '${origin.splitLabel ?? origin.split}', ${origin.place(index)}`
}
