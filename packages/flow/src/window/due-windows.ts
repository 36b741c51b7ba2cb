import type { EventTime } from '@millrace/core'
import type { OperatorContext } from '@millrace/core/operator'
import type { Cell, KeyToken, StateTable } from '@millrace/core/store'
import { farthestTime, type Window } from './assigner.ts'
import { DueTimes, justAfter } from './due-times.ts'
import type { WindowLayout } from './layout.ts'
import type { OpenWindow } from './open-window.ts'
import type { TriggerPlan } from './trigger-plan.ts'

/** What decides when something is to be done with windows. */
interface DueParts {
  readonly context: OperatorContext
  readonly table: StateTable<OpenWindow>
  readonly layout: WindowLayout
  readonly plan: TriggerPlan
  readonly latenessMs: number
  /** Whether the end of the input closes no window: a later run continues with it. */
  readonly staysOpenAtEnd: boolean
}

/** Yields as a sweep does. `windows` has undefined for a step without a window. */
type HandleWindows = (
  windows: Iterable<Cell<OpenWindow> | undefined>,
  now: EventTime,
) => Generator<Cell<unknown> | undefined>

/**
 * When something is to be done with windows. Event times are not saved: they follow from the windows.
 *
 * Invariant: a window is listed at `waitsFor`. It may also be listed at later times, which are ignored, as
 * are windows that are gone.
 */
export class DueWindows {
  readonly #parts: DueParts
  readonly #due: DueTimes
  readonly #listed = new Map<EventTime, (readonly [key: KeyToken, id: EventTime])[]>()

  constructor(parts: DueParts, handle: HandleWindows) {
    this.#parts = parts
    this.#due = new DueTimes(
      parts.context,
      'end',
      (time) => time,
      (time) => handle(this.#take(time), time),
    )
  }

  /** The watermark from which a window accepts no more records. */
  dropAt({ end }: Window): EventTime {
    return this.#parts.layout.overAt(end + this.#parts.latenessMs)
  }

  /** Whether a window accepts no more records, in this run or a later one. */
  isClosed(window: Window): boolean {
    const { context, staysOpenAtEnd } = this.#parts
    const watermark = context.watermark()
    const isEnd = watermark === Number.POSITIVE_INFINITY
    return this.dropAt(window) <= (isEnd && staysOpenAtEnd ? context.lowestWatermark() : watermark)
  }

  /** Lists a window at the first event time after `watermark` at which it is over, dropped, or due for a pane. */
  await({ inner, outer, value: window }: Cell<OpenWindow>, watermark: EventTime): void {
    const { layout, plan } = this.#parts
    let due = plan.nextEvent(window, watermark)
    // Windows that never end need no list: at the end of the input all of them are due.
    if (layout.isEndless) this.#due.add(farthestTime)
    else {
      const over = window.hasEnded ? this.dropAt(window) : layout.overAt(window.end)
      due = Math.min(due, Math.max(over, justAfter(watermark)))
    }
    if (due >= window.waitsFor) return
    window.waitsFor = due
    const listed = this.#listed.get(due)
    if (listed === undefined) {
      this.#listed.set(due, [[inner, outer as EventTime]])
      this.#due.add(due)
    } else listed.push([inner, outer as EventTime])
  }

  /** Sets the processing timer of a window of the current key, or deletes it. */
  awaitClock(cell: Cell<OpenWindow>, now: number): void {
    const { plan, context, table } = this.#parts
    const due = plan.nextClock(cell.value, now)
    if (due === cell.value.clockDue) return
    this.stopClock(cell)
    cell.value.clockDue = due
    if (due < Number.POSITIVE_INFINITY) context.timers.setProcessing(due, String(cell.outer))
    table.changed(cell)
  }

  /** Deletes the processing timer of a window of the current key. */
  stopClock({ outer, value: window }: Cell<OpenWindow>): void {
    if (window.clockDue === Number.POSITIVE_INFINITY) return
    this.#parts.context.timers.deleteProcessing(window.clockDue, String(outer))
    window.clockDue = Number.POSITIVE_INFINITY
  }

  *#take(now: EventTime): Generator<Cell<OpenWindow> | undefined> {
    const { table, layout } = this.#parts
    if (layout.isEndless && now === farthestTime) {
      for (const id of table.outers()) {
        for (const cell of table.cells(id)) {
          yield cell
          yield undefined
        }
      }
    }
    const listed = this.#listed.get(now) ?? []
    this.#listed.delete(now)
    for (const [token, id] of listed) {
      // Found last: between steps there may be a checkpoint, which must not see later changes.
      const cell = table.find(id, token)
      if (cell !== undefined && cell.value.waitsFor <= now) {
        cell.value.waitsFor = Number.POSITIVE_INFINITY
        yield cell
      }
      yield undefined
    }
  }
}
