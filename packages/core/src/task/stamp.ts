import type { TimestampSpec } from '../graph/node.ts'
import type { PartFrame } from '../disk/profiler.ts'
import { MillraceError } from '../errors/errors.ts'
import { isThenable, refusePromise } from '../errors/synchronous.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import type { Cursor } from '../operator/cursor.ts'
import type { FailurePolicy } from '../operator/failure-policy.ts'
import { framed, type PartWork } from '../operator/framed.ts'
import type { PartFlow, Receiver } from '../operator/receiver.ts'
import { behindTap, placeAt, type PartOutput, type Tap, type Tapped } from '../operator/tap.ts'
import type { SplitWatermarks } from '../time/split-watermarks.ts'

/** The end of the year 9999. Times in milliseconds are before it, today's in microseconds after it. */
const latestPlausible = 253_402_300_799_999
/** Today's times in seconds, taken for milliseconds, are in January and February of 1970. */
const secondsFrom = 500_000_000
const secondsTo = 5_000_000_000

/** Gives each record its event time and advances its split's watermark. */
export class Stamp implements Receiver, PartWork, Tapped {
  readonly #at: TimestampSpec['at']
  readonly #now: () => EventTime
  readonly #latest: EventTime
  readonly #warn: (message: string) => void
  /** Whether the unit of times is still to be checked for seconds; the first record decides. */
  #mayBeSeconds: boolean
  readonly #watermarks: SplitWatermarks
  readonly #cursor: Cursor
  readonly #policy: FailurePolicy
  /** What gets the records while nothing taps them. */
  readonly #plain: Receiver
  #target: Receiver
  /** Itself, or what calls it from frames of its own while a profile is made. */
  #entry: PartWork = this
  #received = 0
  #passed = 0

  constructor(parts: {
    readonly timestamps: Pick<TimestampSpec, 'at' | 'isUnitGiven'>
    readonly warn: (message: string) => void
    /** The processing time, in milliseconds since the epoch. */
    readonly now: () => number
    readonly watermarks: SplitWatermarks
    readonly cursor: Cursor
    readonly policy: FailurePolicy
    readonly target: Receiver
  }) {
    const { at, isUnitGiven } = parts.timestamps
    this.#at = at
    this.#now = neverBack(parts.now)
    this.#latest = isUnitGiven ? Number.POSITIVE_INFINITY : latestPlausible
    this.#mayBeSeconds = !isUnitGiven
    this.#warn = parts.warn
    this.#watermarks = parts.watermarks
    this.#cursor = parts.cursor
    this.#policy = parts.policy
    this.#plain = parts.target
    this.#target = parts.target
  }

  /** The records that have arrived, and those that have a time. */
  get flow(): PartFlow {
    return { operator: this.#policy.operator, recordsIn: this.#received, recordsOut: this.#passed }
  }

  receive(value: unknown, time: EventTime): void {
    this.#entry.handle(value, time)
  }

  /** Gives its work a frame of its own in profiles, or takes it away. */
  frameParts(isFramed: boolean): readonly PartFrame[] {
    const own = isFramed ? framed(this.#policy.operator, this) : undefined
    this.#entry = own?.work ?? this
    return own?.frames ?? []
  }

  /** Lets `tap` see the records with their times; undefined: nothing does any more. */
  tap({ part, output }: PartOutput, tap: Tap | undefined): void {
    if (part !== this.#policy.operator || output !== 'main') return
    this.#target = behindTap(this.#plain, tap, placeAt(this.#cursor))
  }

  handle(value: unknown): void {
    this.#received++
    let time: EventTime
    let progress: EventTime
    try {
      time = this.#at(value, this.#now)
      if (typeof time !== 'number' || !Number.isFinite(time)) throw notATime(time)
      if (time > this.#latest) throw tooLate(time)
      progress = this.#watermarks.progressOf(value, time)
    } catch (thrown) {
      this.#policy.handle(thrown, this.#cursor, value, Number.NaN)
      return
    }
    if (this.#mayBeSeconds) this.#warnOfSeconds(time)
    // The record itself travels under the watermark of those before it.
    this.#passed++
    this.#target.receive(value, time)
    this.#cursor.watermark = this.#watermarks.observe(progress)
  }

  /** It has no timers. */
  step(): boolean {
    return false
  }

  #warnOfSeconds(time: EventTime): void {
    this.#mayBeSeconds = false
    if (time < secondsFrom || time >= secondsTo) return
    this.#warn(
      `the first event time is ${time} ms, in the first weeks of 1970; if it counts seconds, set unit to 's', otherwise to 'ms'`,
    )
  }
}

/** A clock that may be set back must not make records late. */
function neverBack(now: () => number): () => EventTime {
  let latest = MIN_TIME
  return () => (latest = Math.max(latest, now()))
}

function tooLate(time: EventTime): MillraceError {
  const [unit, name] = time < 1e17 ? ['us', 'microseconds'] : ['ns', 'nanoseconds']
  return new MillraceError(
    'TIMESTAMP_INVALID',
    `the event time ${time} is after the year 9999; if it counts ${name}, set unit to '${unit}', otherwise to 'ms'`,
  )
}

function notATime(time: unknown): MillraceError {
  if (isThenable(time)) refusePromise(time, 'timestamp returned')
  return new MillraceError(
    'TIMESTAMP_INVALID',
    `the event time is ${String(time)} (${typeof time}); timestamp must return milliseconds since the epoch as a finite number`,
  )
}
