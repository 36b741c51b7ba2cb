import { assert } from '../errors/errors.ts'
import type { KeyToken } from '../record/key-token.ts'
import { TokenMap } from '../record/token-map.ts'
import type { StateTable } from '../state/state-store.ts'
import { BinaryHeap } from './binary-heap.ts'
import type { DueTimer, TimerDomain } from './due-timer.ts'
import { parseTimerToken, timerToken } from './timer-token.ts'

/** A timer as the heap holds it. */
export interface HeapTimer extends DueTimer {
  /** The place of the timer in the table. */
  readonly inner: string
  /** Timers due at one time fire in the order in which they were set. */
  readonly order: number
  /** How many timers in a row, each set by the one before, led to this one after the end of the input. */
  readonly link: number
  /** Its index in the heap. */
  place: number
}

/** A cell for each timer. Its value, which is never written, is the timer in the heap, so that deleting finds it. */
export type TimerTable = StateTable<HeapTimer | undefined>

/**
 * The timers of one subtask in one time domain: a saved table of all timers, and a heap that orders them, which is
 * rebuilt from the table.
 *
 * Invariant: each timer in the table is in the heap, at the place that its cell's value tells, and no other is.
 */
export class TimerHeap {
  readonly #domain: TimerDomain
  readonly #table: TimerTable
  readonly #heap = new BinaryHeap<HeapTimer>(isBefore, (timer, place) => {
    timer.place = place
  })
  #order = 0
  /** The timers of each key. Undefined until it is asked for: most operators never list timers. */
  #byKey: TokenMap<Set<HeapTimer>> | undefined

  constructor(domain: TimerDomain, table: TimerTable) {
    this.#domain = domain
    this.#table = table
  }

  /** The timer that is due first. */
  get first(): HeapTimer | undefined {
    return this.#heap.first
  }

  /** The number of timers. */
  get size(): number {
    return this.#heap.size
  }

  /** Sets a timer unless it is set already. */
  set(time: number, name: string, token: KeyToken, groupOf: (token: KeyToken) => number, link: number): void {
    const inner = timerToken(time, name, token)
    if (this.#table.find(this.#domain, inner) !== undefined) return
    const group = groupOf(token)
    const timer = this.#timer(time, name, token, group, inner, link)
    this.#table.create(this.#domain, inner, group, timer)
    this.#heap.add(timer)
    this.#note(timer)
  }

  /** Deletes a timer if it is set. */
  delete(time: number, name: string, token: KeyToken): void {
    const cell = this.#table.find(this.#domain, timerToken(time, name, token))
    if (cell === undefined) return
    this.#table.delete(cell)
    this.#heap.remove(cell.value!.place)
    this.#forget(cell.value!)
  }

  /** Removes and returns the first timer; there must be one. */
  take(): HeapTimer {
    const timer = this.#heap.take()!
    const cell = this.#table.find(this.#domain, timer.inner)
    assert(cell !== undefined, 'each timer of the heap is in the table')
    this.#table.delete(cell)
    this.#forget(timer)
    return timer
  }

  /** The timers of a key, in the order in which they fire. */
  list(token: KeyToken): readonly HeapTimer[] {
    if (this.#byKey === undefined) {
      this.#byKey = new TokenMap()
      for (const cell of this.#table.cells(this.#domain)) this.#note(cell.value!)
    }
    return [...(this.#byKey.get(token) ?? [])].toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
  }

  /** Fills the empty heap from the table, which was loaded. Yields after each timer. */
  *rebuild(): Generator<undefined> {
    for (const cell of this.#table.cells(this.#domain)) {
      const { time, name, key } = parseTimerToken(cell.inner)
      const timer = this.#timer(time, name, key, cell.group, String(cell.inner), 0)
      cell.value = timer
      this.#heap.add(timer)
      yield
    }
  }

  #note(timer: HeapTimer): void {
    if (this.#byKey === undefined) return
    const timers = this.#byKey.get(timer.token)
    if (timers === undefined) this.#byKey.add(timer.token, new Set([timer]))
    else timers.add(timer)
  }

  #forget(timer: HeapTimer): void {
    const timers = this.#byKey?.get(timer.token)
    if (timers === undefined) return
    timers.delete(timer)
    if (timers.size === 0) this.#byKey!.delete(timer.token)
  }

  #timer(time: number, name: string, token: KeyToken, group: number, inner: string, link: number): HeapTimer {
    const order = ++this.#order
    return { domain: this.#domain, time, name, token, group, isSweep: false, inner, order, link, place: -1 }
  }
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}
