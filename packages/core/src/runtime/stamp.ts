import type { TimestampSpec } from '../graph/node.ts'
import { MillraceError } from '../kernel/errors.ts'
import { isThenable, refusePromise } from '../kernel/synchronous.ts'
import type { EventTime } from '../kernel/time.ts'
import type { Cursor } from '../operator/cursor.ts'
import type { FailurePolicy } from '../operator/failure-policy.ts'
import type { Receiver } from '../operator/receiver.ts'
import type { SplitWatermarks } from '../time/split-watermarks.ts'

/** Gives each record its event time and moves its split's watermark along behind it. */
export class Stamp implements Receiver {
  readonly #at: TimestampSpec['at']
  readonly #watermarks: SplitWatermarks
  readonly #cursor: Cursor
  readonly #policy: FailurePolicy
  readonly #target: Receiver

  constructor(parts: {
    readonly at: TimestampSpec['at']
    readonly watermarks: SplitWatermarks
    readonly cursor: Cursor
    readonly policy: FailurePolicy
    readonly target: Receiver
  }) {
    this.#at = parts.at
    this.#watermarks = parts.watermarks
    this.#cursor = parts.cursor
    this.#policy = parts.policy
    this.#target = parts.target
  }

  receive(value: unknown): void {
    let time: EventTime
    try {
      time = this.#at(value)
      if (typeof time !== 'number' || !Number.isFinite(time)) throw notATime(time)
    } catch (thrown) {
      this.#policy.handle(thrown, this.#cursor, value, Number.NaN)
      return
    }
    // The record itself travels under the watermark of those before it.
    this.#target.receive(value, time)
    this.#cursor.watermark = this.#watermarks.observe(time)
  }
}

function notATime(time: unknown): MillraceError {
  if (isThenable(time)) refusePromise(time, "'at' returned")
  return new MillraceError(
    'TIMESTAMP_INVALID',
    `the event time is ${String(time)} (${typeof time}); 'at' must return milliseconds since the epoch as a finite number`,
  )
}
