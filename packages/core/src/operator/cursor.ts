import type { Batch, Origin } from '../record/element.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import { describeValue } from '../errors/safe-json.ts'
import type { Place } from './failure-policy.ts'
import type { Timer } from './operator.ts'

/**
 * Where one task stands: the record or timer being handled, the watermark it is handled under, and whether
 * the outputs have had enough.
 *
 * One object per task, shared by its chain and its outputs, so that neither has to pass these along with every
 * record.
 */
export class Cursor implements Place {
  /** What the whole chain has advanced to; what is emitted now is emitted under it. */
  watermark: EventTime = MIN_TIME
  /** Set by an output that took more than it has room for; the task stops between two records and waits. */
  isFull = false
  /** Index of the record being handled in `origin`, or -1 when it is a timer. */
  originIndex = -1
  origin: Origin | undefined = undefined
  /** The timer being handled, or that the end of the input is. */
  #timer: Timer | 'end' | undefined = undefined

  /** A record of `batch` is being handled. */
  at(batch: Batch, index: number): void {
    this.originIndex = batch.originIndex === undefined ? index : batch.originIndex[index]!
  }

  enter(batch: Batch): void {
    this.origin = batch.origin
    this.#timer = undefined
  }

  /** A timer is being handled, or the end of the input. */
  atTimer(timer: Timer | 'end'): void {
    this.originIndex = -1
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
}

/** Where a record came from, for people. */
export function placeOfRecord(origin: Origin | undefined, index: number): string {
  if (origin === undefined || index < 0) return 'a record whose place is not known'
  return `source '${origin.source}', split '${origin.split}', ${origin.place(index)}`
}
