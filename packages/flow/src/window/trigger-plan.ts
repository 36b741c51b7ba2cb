import type { EventTime } from '@millrace/core'
import { accumulatorsOf, type Accumulators } from './accumulators.ts'
import type { OpenWindow } from './open-window.ts'
import type { Pane } from './pane.ts'
import type { Condition, EndTrigger, Firing, Moment, WaitingPane } from './trigger.ts'

/** The panes of a window: before its end, at its end, and after. What none of them contained comes at last. */
export interface WindowFirings {
  readonly early: Firing | undefined
  readonly atEnd: boolean
  readonly late: Firing | undefined
}

/** One result, once a window accepts no more records. */
export const atLast: WindowFirings = { early: undefined, atEnd: false, late: undefined }

/** The firings of a trigger. */
export function firingsOf(trigger: Firing | EndTrigger): WindowFirings {
  if ('lateFiring' in trigger) {
    return { early: trigger.earlyFiring, atEnd: true, late: trigger.lateFiring }
  }
  return { early: trigger, atEnd: false, late: trigger }
}

/** A trigger for the windows of one operator: follows the records that wait, and says when they are due. */
export class TriggerPlan {
  readonly description: string
  readonly readsClock: boolean
  readonly firesAtEnd: boolean
  /** The accumulators of the conditions; undefined without any. */
  readonly accumulators: Accumulators | undefined
  readonly #firings: WindowFirings
  readonly #fields = new Map<Condition, string>()

  /** `operator` is for messages. */
  constructor(firings: WindowFirings, operator: string) {
    const { early, atEnd, late } = firings
    const both = [early, late].filter((firing) => firing !== undefined)
    this.#firings = firings
    this.firesAtEnd = atEnd
    this.readsClock = both.some(({ readsClock }) => readsClock)
    this.description = `early ${textOf(early)}; ${atEnd ? 'at the end; ' : ''}late ${textOf(late)}`
    for (const condition of both.flatMap(({ conditions }) => conditions)) {
      if (!this.#fields.has(condition)) this.#fields.set(condition, `condition ${this.#fields.size + 1}`)
    }
    const aggregates = [...this.#fields].map(([{ aggregate }, field]) => [field, aggregate] as const)
    this.accumulators =
      aggregates.length === 0 ? undefined : accumulatorsOf(Object.fromEntries(aggregates), operator)
  }

  /** The firing for a window now. */
  firing({ hasEnded }: OpenWindow): Firing | undefined {
    return hasEnded ? this.#firings.late : this.#firings.early
  }

  /** Adds a record to those that wait. */
  add(window: OpenWindow, value: unknown, time: EventTime, at: Moment): void {
    window.records++
    window.since = Math.min(window.since, Math.max(time, at.watermark))
    if (this.readsClock) window.sinceClock = Math.min(window.sinceClock, at.now)
    if (this.accumulators === undefined) return
    window.marks =
      window.marks === undefined ? this.accumulators.first(value) : this.accumulators.add(window.marks, value)
  }

  /** Adds those of another window. */
  merge(window: OpenWindow, other: OpenWindow): void {
    window.records += other.records
    window.since = Math.min(window.since, other.since)
    window.sinceClock = Math.min(window.sinceClock, other.sinceClock)
    if (this.accumulators === undefined || other.marks === undefined) return
    window.marks =
      window.marks === undefined ? other.marks : this.accumulators.merge(window.marks, other.marks)
  }

  isDue(window: OpenWindow, at: Moment): boolean {
    return window.records > 0 && (this.firing(window)?.isDue(this.#paneOf(window), at) ?? false)
  }

  /** The timing of the pane that is due at an event time; undefined: none is. */
  timingAt(
    window: OpenWindow,
    at: Moment,
    { isOver, isDropped }: { readonly isOver: boolean; readonly isDropped: boolean },
  ): Pane['timing'] | undefined {
    const isDue =
      isOver && this.firesAtEnd
        ? window.hasValues
        : window.records > 0 && (isDropped || this.isDue(window, at))
    if (!isDue) return undefined
    return isOver ? 'onTime' : timingOf(window)
  }

  /** The first event time after `after` at which the window may be due; infinite: never. */
  nextEvent(window: OpenWindow, after: EventTime): EventTime {
    if (window.records === 0) return Number.POSITIVE_INFINITY
    return this.firing(window)?.nextEvent(this.#paneOf(window), after) ?? Number.POSITIVE_INFINITY
  }

  /** The same by the clock. */
  nextClock(window: OpenWindow, after: number): number {
    if (window.records === 0) return Number.POSITIVE_INFINITY
    return this.firing(window)?.nextClock(this.#paneOf(window), after) ?? Number.POSITIVE_INFINITY
  }

  #paneOf({ records, since, sinceClock, marks }: OpenWindow): WaitingPane {
    return {
      records,
      since,
      sinceClock,
      resultOf: (condition) => {
        const results: Record<string, unknown> = {}
        if (marks !== undefined) this.accumulators?.results(marks, results)
        return results[this.#fields.get(condition)!]
      },
    }
  }
}

/** The timing of a pane now. */
export function timingOf({ hasEnded }: OpenWindow): Pane['timing'] {
  return hasEnded ? 'late' : 'early'
}

function textOf(firing: Firing | undefined): string {
  return firing?.description ?? 'never'
}
