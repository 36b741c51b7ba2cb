import type { KeyToken } from '../record/key-token.ts'
import type { EventTime } from '../record/time.ts'
import { BinaryHeap } from './binary-heap.ts'
import type { DueTimer } from './due-timer.ts'

/** A key for which a sweep fires, and its key group: a cell of the key has both. */
export interface SweptKey {
  readonly inner: KeyToken
  readonly group: number
}

/**
 * Yields the keys for which a sweep fires, and undefined after a part of the search without one. Returns when the
 * sweep is due again, which must be later.
 */
export type SweepKeys = (time: EventTime) => Iterable<SweptKey | undefined, EventTime | undefined | void>

interface Sweep {
  readonly time: EventTime
  readonly name: string
  readonly keys: SweepKeys
  readonly link: number
}

interface RunningSweep {
  readonly sweep: Sweep
  readonly swept: Iterator<SweptKey | undefined, EventTime | undefined | void>
}

/**
 * The sweeps of one subtask: timers that are kept once and fire once for each key of a table.
 *
 * Sweeps due at one time fire in the order of their names, which a restart does not change as it changes the order
 * in which they were set. A sweep that has begun is finished before another begins.
 */
export class SweepQueue {
  readonly #heap = new BinaryHeap<Sweep>(isBefore)
  readonly #waiting = new Map<string, Set<EventTime>>()
  #running: RunningSweep | undefined

  /** When the first sweep is due; undefined if there is none. */
  get next(): EventTime | undefined {
    return (this.#running?.sweep ?? this.#heap.first)?.time
  }

  /** The length of the chain of timers that led to the sweep of which `take` returned a key. */
  get link(): number {
    return this.#running?.sweep.link ?? 0
  }

  /** Sets a sweep unless the same one is pending. One that has begun is no longer pending and may be set again. */
  set(time: EventTime, name: string, keys: SweepKeys, link: number): void {
    let times = this.#waiting.get(name)
    if (times === undefined) {
      times = new Set()
      this.#waiting.set(name, times)
    }
    if (times.has(time)) return
    times.add(time)
    this.#heap.add({ time, name, keys, link })
  }

  /** The next key of the first sweep; undefined after a step that found none, or that ended the sweep. */
  take(): DueTimer | undefined {
    this.#running ??= this.#start()
    const { sweep, swept } = this.#running
    const next = swept.next()
    if (next.done === true) {
      this.#running = undefined
      if (next.value !== undefined) this.set(next.value, sweep.name, sweep.keys, sweep.link)
      return undefined
    }
    if (next.value === undefined) return undefined
    const { inner, group } = next.value
    return { domain: 'event', time: sweep.time, name: sweep.name, token: inner, group, isSweep: true }
  }

  #start(): RunningSweep {
    const sweep = this.#heap.take()!
    const times = this.#waiting.get(sweep.name)!
    times.delete(sweep.time)
    if (times.size === 0) this.#waiting.delete(sweep.name)
    return { sweep, swept: sweep.keys(sweep.time)[Symbol.iterator]() }
  }
}

function isBefore(a: Sweep, b: Sweep): boolean {
  return a.time < b.time || (a.time === b.time && a.name < b.name)
}
