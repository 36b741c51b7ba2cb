/**
 * Finds a pattern in the events of each key.
 *
 * Events wait until the watermark has passed their time. Then they go through the matcher in the order of their times,
 * those of one time in the order of arrival.
 */
import type { EventTime, Key } from '@millrace/core'
import type {
  Collector,
  Fingerprint,
  Operator,
  OperatorContext,
  StreamRecord,
  Timer,
} from '@millrace/core/operator'
import type { Cell } from '@millrace/core/store'
import { DueTimes, justAfter } from '../window/due-times.ts'
import type { Skip } from './after-match.ts'
import type { Automaton } from './automaton.ts'
import { EventBuffer, eventsPiece, type Events } from './event-buffer.ts'
import { Matcher } from './matcher.ts'
import {
  partialsPiece,
  PartialMatchStore,
  startsBefore,
  type Node,
  type PartialMatches,
} from './partial-matches.ts'

/** So many events of one key and time are handled before the event loop may have a turn. */
const eventsAtOnce = 64

/** What to look for. */
export interface MatchParts {
  readonly automaton: Automaton
  /** The pattern, for people. */
  readonly text: string
  /** How long a match may last, in milliseconds; undefined: without a limit. */
  readonly withinMs: number | undefined
  /** Undefined: nothing is skipped. */
  readonly skip: Skip | undefined
}

export class MatchOperator implements Operator<unknown, unknown> {
  readonly fingerprint: Fingerprint
  readonly #parts: MatchParts
  #context!: OperatorContext
  #events!: EventBuffer
  #store!: PartialMatchStore
  #matcher!: Matcher
  #waiting!: DueTimes
  #expiring!: DueTimes
  #late!: Collector<unknown>
  #timedOut!: Collector<unknown>
  /** The events that a sweep has just yielded, and from which of them on they are handled. */
  #current: { readonly cell: Cell<Events>; readonly from: number } | undefined

  constructor(parts: MatchParts) {
    this.#parts = parts
    const { text, withinMs } = parts
    this.fingerprint = {
      pieces: [eventsPiece, partialsPiece],
      settings: [
        { name: 'pattern', value: text },
        withinMs === undefined
          ? { name: 'within', value: 'no limit' }
          : { name: 'within', value: withinMs, unit: 'ms' },
      ],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#events = new EventBuffer(context)
    this.#store = new PartialMatchStore(context, this.#events)
    this.#matcher = new Matcher(this.#parts.automaton, this.#store)
    this.#late = context.output('late')
    this.#timedOut = context.output('timedOut')
    this.#waiting = new DueTimes(context, 'events', justAfter, (time) => this.#sweep(time))
    this.#expiring = new DueTimes(
      context,
      'within',
      (time) => time + (this.#parts.withinMs ?? Number.POSITIVE_INFINITY),
      (time) => this.#end(time),
    )
  }

  *restored(): Generator<undefined> {
    for (const time of this.#events.times()) {
      if (time >= this.#context.lowestWatermark()) this.#waiting.add(time)
      if (this.#parts.withinMs !== undefined) this.#expiring.add(time)
      yield undefined
    }
  }

  process({ value, time }: StreamRecord<unknown>): void {
    if (time < this.#context.watermark()) {
      this.#context.count('late')
      this.#late.emit(value)
      return
    }
    this.#events.add(time, value)
    this.#waiting.add(time)
  }

  onTimer({ name, time, key }: Timer, out: Collector<unknown>): void {
    const partials = this.#store.load()
    if (name === 'events') this.#handle(partials, key, out)
    else this.#expire(partials, time, key, out)
    this.#store.save(partials)
  }

  /** The input has ended: no partial match can make a waiting match invalid any more. */
  onEnd(key: Key, out: Collector<unknown>): void {
    const partials = this.#store.load()
    for (const id of partials.runs.splice(0)) this.#store.release(partials, id)
    this.#release(partials, (node) => out.emit(this.#result(partials, node, key)))
    this.#store.save(partials)
  }

  /** The watermark has passed the time of events. */
  *#sweep(time: EventTime): Generator<Cell<Events>> {
    for (const cell of this.#events.at(time)) {
      for (let from = 0; from < cell.value.slots.length; from += eventsAtOnce) {
        this.#current = { cell, from }
        yield cell
      }
    }
    this.#current = undefined
  }

  /** The time of partial matches that began at a time is over. */
  *#end(time: EventTime): Generator<Cell<Events>> {
    yield* this.#events.at(time)
  }

  #handle(partials: PartialMatches, key: Key, out: Collector<unknown>): void {
    const { cell, from } = this.#current!
    const time = cell.outer as EventTime
    const { slots } = cell.value
    const to = Math.min(slots.length, from + eventsAtOnce)
    for (let index = from; index < to; index++) {
      const matches = this.#matcher.step(partials, { time, index, value: slots[index]!.value })
      this.#complete(partials, matches, (node) => out.emitAt(time, this.#result(partials, node, key)))
      this.#events.release(time, index)
    }
    const newest = partials.runs.at(-1)
    if (newest === undefined || this.#parts.withinMs === undefined) return
    if (partials.nodes.get(newest)!.startTime === time) this.#expiring.add(time)
  }

  #expire(partials: PartialMatches, now: EventTime, key: Key, out: Collector<unknown>): void {
    const { matches, timedOut } = this.#matcher.expire(partials, now, this.#parts.withinMs!)
    for (const node of timedOut) {
      this.#timedOut.emitAt(now, { ...this.#result(partials, node, key), timedOutAt: now })
      this.#store.release(partials, node.id)
    }
    this.#complete(partials, matches, (node) => out.emitAt(now, this.#result(partials, node, key)))
  }

  /** Emits matches, or lets them wait for partial matches that began earlier. */
  #complete(partials: PartialMatches, matches: readonly Node[], emit: (match: Node) => void): void {
    if (this.#parts.skip === undefined) {
      for (const match of matches) {
        emit(match)
        this.#store.release(partials, match.id)
      }
    } else if (matches.length > 0) {
      const node = (id: number): Node => partials.nodes.get(id)!
      partials.matches.push(...matches.map(({ id }) => id))
      partials.matches.sort((a, b) =>
        startsBefore(node(a), node(b)) ? -1 : startsBefore(node(b), node(a)) ? 1 : 0,
      )
    }
    if (partials.matches.length > 0) this.#release(partials, emit)
  }

  /** Emits the matches that wait, up to the start of the first partial match, and skips what follows from each. */
  #release(partials: PartialMatches, emit: (match: Node) => void): void {
    for (let id = partials.matches[0]; id !== undefined; id = partials.matches[0]) {
      const match = partials.nodes.get(id)!
      const [run] = partials.runs
      if (run !== undefined && startsBefore(partials.nodes.get(run)!, match)) return
      partials.matches.shift()
      emit(match)
      this.#skip(partials, match)
      this.#store.release(partials, id)
    }
  }

  #skip(partials: PartialMatches, match: Node): void {
    const isSkipped = this.#parts.skip?.(this.#store.path(partials, match))
    if (isSkipped === undefined) return
    const keep = (id: number): boolean => {
      const { startTime: time, startIndex: index } = partials.nodes.get(id)!
      if (!isSkipped({ time, index })) return true
      this.#store.release(partials, id)
      return false
    }
    partials.runs = partials.runs.filter(keep)
    partials.matches = partials.matches.filter(keep)
  }

  /** The key and the events of each stage. */
  #result(partials: PartialMatches, last: Node, key: Key): Record<string, unknown> {
    const { stages } = this.#parts.automaton
    const found = stages.map((): unknown[] => [])
    for (const node of this.#store.path(partials, last)) found[node.stage]!.push(this.#store.eventOf(node))
    const result: Record<string, unknown> = { key }
    for (const [stage, { name, isLoop }] of stages.entries()) {
      result[name] = isLoop ? found[stage] : found[stage]![0]
    }
    return result
  }
}
