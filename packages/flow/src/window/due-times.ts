import type { EventTime } from '@millrace/core'
import type { OperatorContext } from '@millrace/core/operator'
import type { Cell } from '@millrace/core/store'
import { SortedTimes } from './sorted-times.ts'

/** What is done for the rows of one time; yields as a sweep does. */
export type HandleTime = (time: EventTime) => Generator<Cell<unknown> | undefined>

/**
 * Event times that wait for something to be done once the watermark has reached a moment that follows from them.
 *
 * Nothing of it is saved: it follows from the rows. One sweep at a time is set, for the first time that is due.
 */
export class DueTimes {
  readonly #context: OperatorContext
  readonly #name: string
  readonly #dueOf: (time: EventTime) => EventTime
  readonly #handle: HandleTime
  readonly #atEnd: 'handle' | 'keep'
  readonly #times = new SortedTimes()
  #next: EventTime = Number.POSITIVE_INFINITY

  /**
   * `dueOf` grows with the time that it is given. Sweeps that are due at once run in the order of their names. With
   * `'keep'` the end of the input makes nothing due: what only removes state must leave it to a later run.
   */
  constructor(
    context: OperatorContext,
    name: string,
    dueOf: (time: EventTime) => EventTime,
    handle: HandleTime,
    atEnd: 'handle' | 'keep' = 'handle',
  ) {
    this.#context = context
    this.#name = name
    this.#dueOf = dueOf
    this.#handle = handle
    this.#atEnd = atEnd
  }

  add(time: EventTime): void {
    this.#times.add(time)
    const due = this.#dueOf(time)
    if (due >= this.#next) return
    this.#next = due
    this.#context.timers.setSweep(due, this.#name, (now) => this.#run(now))
  }

  *#run(now: EventTime): Generator<Cell<unknown> | undefined, EventTime | undefined> {
    if (this.#atEnd === 'keep' && this.#context.watermark() === Number.POSITIVE_INFINITY) return undefined
    for (let time = this.#times.first; time !== undefined; time = this.#times.first) {
      const due = this.#dueOf(time)
      if (due > now) {
        this.#next = due
        return due
      }
      yield* this.#handle(time)
      this.#times.removeFirst()
      yield undefined
    }
    this.#next = Number.POSITIVE_INFINITY
    return undefined
  }
}

const float = new Float64Array(1)
const bits = new BigInt64Array(float.buffer)

/**
 * The next number after a time: a watermark has passed `time` once it has reached that.
 *
 * @example
 * justAfter(0) > 0 // => true
 */
export function justAfter(time: EventTime): EventTime {
  if (time === 0) return Number.MIN_VALUE
  float[0] = time
  bits[0]! += time > 0 ? 1n : -1n
  return float[0]
}

/** The number before a time. */
export function justBefore(time: EventTime): EventTime {
  return -justAfter(-time)
}
