import type { Clock } from '@millrace/world'
import { MAX_TIME, MIN_TIME, type EventTime } from '../record/time.ts'
import type { TaskMetrics } from '../observe/metrics.ts'
import type { Cursor } from '../operator/cursor.ts'
import type { SplitWatermarks } from '../time/split-watermarks.ts'
import type { Outlet } from '../exchange/outlet.ts'

/** The interval at which the watermark of an idle source follows the clock, in milliseconds. */
const clockStepMs = 200

/** The settings by which a source reports its event time. */
export interface SourceProgressOptions {
  readonly watermarks: SplitWatermarks
  readonly cursor: Cursor
  readonly outlet: Outlet
  readonly metrics: TaskMetrics
  readonly clock: Clock
  /** Whether the watermark follows the clock while the source is idle. */
  readonly advancesWhenIdle: boolean
}

/** When an idle source began to follow the clock, and with which watermark. */
interface Following {
  readonly since: number
  readonly from: EventTime
  steppedAt: number
}

/** Sends the event time of a source to the next tasks, and marks it idle when there is nothing to wait for. */
export class SourceProgress {
  readonly #options: SourceProgressOptions
  #isIdle = false
  #following: Following | undefined

  constructor(options: SourceProgressOptions) {
    this.#options = options
  }

  /** When the watermark advances without records, on the monotonic clock. */
  get nextAt(): number {
    return this.#following === undefined ? MAX_TIME : this.#following.steppedAt + clockStepMs
  }

  /** Before the first record: operators that are restored beside this source judge lateness by this watermark. */
  begin(): void {
    const { watermarks, cursor, outlet, metrics } = this.#options
    cursor.watermark = Math.max(cursor.watermark, watermarks.current)
    metrics.watermark = cursor.watermark
    outlet.begin(cursor.watermark)
    // A subtask without splits must not hold back the watermark of the others, not even for their first record.
    this.announceIdle()
  }

  /** Passes on what has changed. */
  announce(): void {
    const { watermarks, cursor, outlet, metrics } = this.#options
    cursor.watermark = Math.max(cursor.watermark, watermarks.current)
    if (cursor.watermark > metrics.watermark) {
      metrics.watermark = cursor.watermark
      outlet.watermark(cursor.watermark)
    }
    this.announceIdle()
  }

  announceIdle(): void {
    const isIdle = this.#options.watermarks.isIdle
    if (isIdle === this.#isIdle) return
    this.#isIdle = isIdle
    this.#options.outlet.mark({ kind: isIdle ? 'idle' : 'active' })
    this.#following = undefined
    if (isIdle) this.#follow()
  }

  /** Advances the watermark of an idle source with the clock, if it is due. */
  step(): void {
    const { watermarks, outlet, clock } = this.#options
    const following = this.#following
    const now = clock.monotonic()
    // The marks would accumulate before a task without room.
    if (following === undefined || now < this.nextAt || !outlet.hasRoom) return
    following.steppedAt = now
    watermarks.advanceIdle(following.from + now - following.since)
    // An idle input does not count downstream, so it becomes active for a moment. Other active inputs still bound the watermark.
    outlet.mark({ kind: 'active' })
    this.announce()
    outlet.mark({ kind: 'idle' })
  }

  #follow(): void {
    const { watermarks, clock, advancesWhenIdle } = this.#options
    if (!advancesWhenIdle || watermarks.current === MIN_TIME) return
    const now = clock.monotonic()
    this.#following = { since: now, from: watermarks.current, steppedAt: now }
  }
}
