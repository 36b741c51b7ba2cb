import type { EventTime } from '@millrace/core'

/** Fewer removed times than this stay in the array. */
const spareMax = 32

/**
 * Unique times in ascending order. Most are appended and removed at the start, both in constant time.
 */
export class SortedTimes {
  #times: EventTime[] = []
  /** The index of the first time; earlier entries are removed. */
  #head = 0

  get size(): number {
    return this.#times.length - this.#head
  }

  /** The first time; undefined if there is none. */
  get first(): EventTime | undefined {
    return this.#times[this.#head]
  }

  /** Adds a time unless it is present. */
  add(time: EventTime): void {
    const times = this.#times
    if (this.size === 0 || time > times.at(-1)!) {
      times.push(time)
      return
    }
    const index = this.indexFrom(time)
    if (times[this.#head + index] !== time) times.splice(this.#head + index, 0, time)
  }

  removeFirst(): void {
    this.#head++
    if (this.#head < spareMax || this.#head * 2 < this.#times.length) return
    this.#times = this.#times.slice(this.#head)
    this.#head = 0
  }

  /** Removes a time if it is present. */
  remove(time: EventTime): void {
    if (time === this.first) {
      this.removeFirst()
      return
    }
    const index = this.#head + this.indexFrom(time)
    if (this.#times[index] === time) this.#times.splice(index, 1)
  }

  /** The time at an index from 0; undefined past the end. */
  at(index: number): EventTime | undefined {
    return this.#times[this.#head + index]
  }

  /** The index of the first time that is `from` or later. */
  indexFrom(from: EventTime): number {
    const times = this.#times
    let low = this.#head
    let high = times.length
    // Most searches are for one end.
    if (low === high || times[low]! >= from) return 0
    if (times[high - 1]! < from) return high - low
    if (times[high - 2]! < from) return high - 1 - low
    while (low < high) {
      const middle = (low + high) >> 1
      if (times[middle]! < from) low = middle + 1
      else high = middle
    }
    return low - this.#head
  }
}
