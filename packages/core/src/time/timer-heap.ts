import type { KeyToken } from '../kernel/key-token.ts'
import type { StateTable } from '../state/state-store.ts'
import { BinaryHeap } from './binary-heap.ts'
import type { DueTimer, TimerDomain } from './due-timer.ts'
import { parseTimerToken, timerToken } from './timer-token.ts'

/** A timer as the heap holds it. */
export interface HeapTimer extends DueTimer {
  /** Where the timer is filed in the table. */
  readonly inner: string
  /** Timers due at one time fire in the order in which they were set. */
  readonly order: number
  /** How many timers in a row, each set by the one before, led to this one after the end of the input. */
  readonly link: number
}

/** What the heap still holds of a timer that was deleted. */
interface Stale {
  entries: number
  /** The order of the newest entry that is stale; a later one was set again. */
  newest: number
}

/** Fewer stale entries than this are left in peace. */
const staleMin = 64

/**
 * The timers of one subtask in one time domain. A table says which there are, and is saved; a heap says which is
 * first, and is made anew from the table.
 *
 * True between any two calls:
 *
 *  1. Each timer in the table has one entry in the heap that is not stale, and every other entry is stale.
 *  2. The first entry is not stale: the earliest time is known without a search.
 *  3. No more than half of the entries, or a few, are stale: setting and deleting for ever takes no memory.
 */
export class TimerHeap {
  readonly #domain: TimerDomain
  readonly #table: StateTable<undefined>
  readonly #heap = new BinaryHeap<HeapTimer>(isBefore)
  readonly #stale = new Map<string, Stale>()
  #staleEntries = 0
  #order = 0

  constructor(domain: TimerDomain, table: StateTable<undefined>) {
    this.#domain = domain
    this.#table = table
  }

  /** The timer that is due first. */
  get first(): HeapTimer | undefined {
    return this.#heap.first
  }

  /** How many entries take memory, stale ones among them. */
  get entries(): number {
    return this.#heap.size
  }

  /** Sets a timer unless it is set already. */
  set(time: number, name: string, token: KeyToken, groupOf: (token: KeyToken) => number, link: number): void {
    const inner = timerToken(time, name, token)
    if (this.#table.find(this.#domain, inner) !== undefined) return
    const group = groupOf(token)
    this.#table.create(this.#domain, inner, group, undefined)
    this.#add(time, name, token, group, inner, link)
  }

  /** Deletes a timer if it is set. */
  delete(time: number, name: string, token: KeyToken): void {
    const inner = timerToken(time, name, token)
    const cell = this.#table.find(this.#domain, inner)
    if (cell === undefined) return
    this.#table.delete(cell)
    const stale = this.#stale.get(inner)
    if (stale === undefined) this.#stale.set(inner, { entries: 1, newest: this.#order })
    else {
      stale.entries++
      stale.newest = this.#order
    }
    this.#staleEntries++
    this.#tidy()
  }

  /** Takes the first timer out; there must be one. */
  take(): HeapTimer {
    const timer = this.#heap.take()!
    this.#table.delete(this.#table.find(this.#domain, timer.inner)!)
    this.#tidy()
    return timer
  }

  /** Fills the heap from the table, which was loaded. */
  rebuild(): void {
    this.#heap.clear()
    this.#stale.clear()
    this.#staleEntries = 0
    for (const { inner, group } of this.#table.cells(this.#domain)) {
      const { time, name, key } = parseTimerToken(inner)
      this.#add(time, name, key, group, String(inner), 0)
    }
  }

  #add(time: number, name: string, token: KeyToken, group: number, inner: string, link: number): void {
    const order = ++this.#order
    this.#heap.add({ domain: this.#domain, time, name, token, group, isSweep: false, inner, order, link })
  }

  #tidy(): void {
    if (this.#staleEntries === 0) return
    for (let first = this.#heap.first; first !== undefined && this.#drop(first); first = this.#heap.first) {
      this.#heap.take()
    }
    if (this.#staleEntries > staleMin && this.#staleEntries * 2 > this.entries) {
      this.#heap.keep((timer) => !this.#drop(timer))
    }
  }

  /** Whether an entry is stale; if so it counts as gone. */
  #drop(timer: HeapTimer): boolean {
    const stale = this.#stale.get(timer.inner)
    if (stale === undefined || timer.order > stale.newest) return false
    this.#staleEntries--
    stale.entries--
    if (stale.entries === 0) this.#stale.delete(timer.inner)
    return true
  }
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}
