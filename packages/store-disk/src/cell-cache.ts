import type { DiskLog } from './disk-log.ts'

/** How much more than necessary is evicted at once: an eighth of the limit, but no more than takes a few milliseconds. */
const headroomMax = 512 * 1024
/** The part of the memory that cells have at least, whatever the index needs. */
const cellsShareMin = 1 / 8

/** A table whose cells can be evicted. */
export interface Evictable {
  /** Memory of its live cells, and of its index. */
  readonly cellBytes: number
  readonly indexBytes: number
  /** Evicts cells of about this weight. Returns how much was freed. */
  evict(bytes: number): number
}

/**
 * The memory of all tables of a store.
 *
 * Cells are evicted between two calls of an operator, in a microtask: an operator may hold the cells that it was given until
 * its call returns, and a transaction compares them by identity.
 */
export class CellCache {
  readonly #memoryBytes: number
  readonly #log: DiskLog
  readonly #tables: Evictable[] = []
  #isScheduled = false
  #used = 0
  #limit = 0
  /** When the limit is computed again. */
  #untilMeasured = 0
  /** Lets the next microtask evict. */
  #wake!: () => void

  constructor(memoryBytes: number, log: DiskLog) {
    this.#memoryBytes = memoryBytes
    this.#log = log
    this.#wait()
  }

  register(table: Evictable): void {
    this.#tables.push(table)
  }

  /** The weight of live cells has changed. */
  add(bytes: number): void {
    this.#used += bytes
    if (--this.#untilMeasured <= 0) this.#measure()
    if (this.#used > this.#limit && !this.#isScheduled) {
      this.#isScheduled = true
      this.#wake()
    }
  }

  remove(bytes: number): void {
    this.#used -= bytes
  }

  /** Evicts what is too much. Only between two calls of an operator. */
  evict(): void {
    if (this.#used <= this.#limit || this.#log.failure !== undefined || this.#log.isClosed) return
    try {
      const target = this.#limit - Math.min(this.#limit / 8, headroomMax)
      while (this.#used > target && this.#largest().evict(this.#used - target) > 0);
    } catch (cause) {
      // Nothing is lost: a cell leaves memory only after it was written. The next snapshot fails with the cause.
      this.#log.fail(cause)
    }
  }

  /** The promise is there before it is needed: operators, in whose calls it is resolved, must not start any. */
  #wait(): void {
    void new Promise<void>((resolve) => (this.#wake = resolve)).then(() => {
      this.evict()
      // Only now: evicting writes cells, which adds to their weight, and there is no other promise to resolve yet.
      this.#isScheduled = false
      if (!this.#log.isClosed) this.#wait()
    })
  }

  #largest(): Evictable {
    return this.#tables.reduce((most, each) => (each.cellBytes > most.cellBytes ? each : most))
  }

  #measure(): void {
    this.#untilMeasured = 4096
    const index = this.#tables.reduce((sum, each) => sum + each.indexBytes, 0)
    this.#limit = Math.max(this.#memoryBytes - index, this.#memoryBytes * cellsShareMin)
  }
}
