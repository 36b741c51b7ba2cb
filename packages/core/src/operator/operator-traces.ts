import type { KeyToken } from '../record/key-token.ts'
import type { EventTime } from '../record/time.ts'
import type { DueTimer, TimerDomain } from '../time/due-timer.ts'
import type { Cursor } from './cursor.ts'
import type { PartWork } from './framed.ts'
import type { Operator, Timer } from './operator.ts'
import { SpanMemory } from './span-memory.ts'
import { inSpan, type OpenSpan, type Tracing } from './tracing.ts'

/** What the spans of an operator depend on. */
export interface TracedOperator {
  readonly operator: Pick<Operator<never, unknown>, 'onTimer' | 'timesOf'>
  /** The key of the record at hand; undefined for one without. */
  readonly keyAtHand: KeyToken | undefined
  /** The input of the record at hand. */
  readonly inputAtHand: number
  readonly hasSetHeaders: boolean
  readonly flow: { readonly operator: string; readonly recordsOut: number }
}

/**
 * Makes the spans of one operator of a chain: one for each record of a sampled trace, and one for a timer that emits something
 * after such records of its key. That one begins a trace, linked to those of the records.
 */
export class OperatorTraces {
  readonly #tracing: Tracing
  readonly #cursor: Cursor
  readonly #memory = new SpanMemory()

  constructor(tracing: Tracing, cursor: Cursor) {
    this.#tracing = tracing
    this.#cursor = cursor
  }

  /** `work`, with a span around each record that is traced. */
  around(work: PartWork, of: TracedOperator): PartWork {
    const { operator } = of.flow
    return {
      handle: (value, time) => {
        const span = this.#tracing.begin(operator, 'internal', this.#cursor)
        if (span === undefined) return work.handle(value, time)
        const before = of.flow.recordsOut
        inSpan(
          span,
          this.#cursor,
          () => work.handle(value, time),
          () => this.#handled(span, of, { time, hasEmitted: of.flow.recordsOut > before }),
        )
      },
      step: (domain: TimerDomain, upTo: number, now: number) => work.step(domain, upTo, now),
    }
  }

  /** Calls the timer's function, in a span if it may emit what comes of records that were traced. */
  fire(due: DueTimer, timer: Timer, of: TracedOperator, call: () => void): void {
    if (this.#memory.isEmpty) return call()
    const times = timesOf(timer, of.operator)
    const links = this.#memory.between(due.token, times.from, times.until)
    const span = links.length === 0 ? undefined : this.#tracing.beginTrace(of.flow.operator, links)
    if (span === undefined) return call()
    const before = of.flow.recordsOut
    this.#cursor.headers = span.headers
    try {
      call()
    } catch (thrown) {
      // The task fails, and its span says with what.
      span.fail(thrown)
      span.end()
      throw thrown
    }
    if (of.flow.recordsOut === before) return
    this.#memory.forget(due.token, times.forgets)
    // With headers of its own it continues the trace of a record that it has kept.
    if (!of.hasSetHeaders) span.end()
  }

  #handled(
    span: OpenSpan,
    of: TracedOperator,
    { time, hasEmitted }: { readonly time: EventTime; readonly hasEmitted: boolean },
  ): void {
    const { keyAtHand: key, inputAtHand: input } = of
    if (key === undefined) return
    if (hasEmitted) {
      const others = this.#memory.ofOthers(key, input)
      if (others.length > 0) span.link(others)
    }
    this.#memory.add(key, { traceparent: span.traceparent, time, input })
  }
}

/** The times of the records that a timer's result may come of, and up to where they are forgotten then. */
function timesOf(
  timer: Timer,
  operator: TracedOperator['operator'],
): { readonly from: EventTime; readonly until: EventTime; readonly forgets: EventTime } {
  const times = operator.timesOf?.(timer)
  if (times !== undefined) return { ...times, forgets: times.from }
  // Those since the last result.
  const until = timer.domain === 'event' ? timer.time + 1 : Number.POSITIVE_INFINITY
  return { from: Number.NEGATIVE_INFINITY, until, forgets: until }
}
