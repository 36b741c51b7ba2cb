import type { Batch, Origin } from '../kernel/element.ts'
import { MIN_TIME, type EventTime } from '../kernel/time.ts'
import type { Place } from './failure-policy.ts'

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
  #timer: (() => string) | undefined = undefined

  /** A record of `batch` is being handled. */
  at(batch: Batch, index: number): void {
    this.originIndex = batch.originIndex === undefined ? index : batch.originIndex[index]!
  }

  enter(batch: Batch): void {
    this.origin = batch.origin
    this.#timer = undefined
  }

  /** A timer is being handled; `describe` is called only if it fails. */
  atTimer(describe: () => string): void {
    this.originIndex = -1
    this.#timer = describe
  }

  place(): string {
    if (this.originIndex >= 0) {
      if (this.origin === undefined) return 'a record whose place is no longer known'
      return `source '${this.origin.source}', split '${this.origin.split}', ${this.origin.place(this.originIndex)}`
    }
    return this.#timer === undefined ? 'a record made by a timer upstream' : this.#timer()
  }

  raw(): Uint8Array | undefined {
    return this.originIndex >= 0 ? this.origin?.raw(this.originIndex) : undefined
  }
}
