import type { EventTime } from '@millrace/core'

/** Fewer removed times than this stay in the array. */
const spareMax = 32

/**
 * Times in ascending order, each once. Most are added at the end and removed from the start, which costs constant
 * time.
 */
export class SortedTimes {
  #times: EventTime[] = []
  /** Where the first one is; those before it are removed. */
  #head = 0

  get size(): number {
    return this.#times.length - this.#head
  }

  /** The first time; undefined if there is none. */
  get first(): EventTime | undefined {
    return this.#times[this.#head]
  }

  /** Adds a time unless it is there. */
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

  /** Removes a time if it is there. */
  remove(time: EventTime): void {
    if (time === this.first) {
      this.removeFirst()
      return
    }
    const index = this.#head + this.indexFrom(time)
    if (this.#times[index] === time) this.#times.splice(index, 1)
  }

  /** The time at an index from 0; undefined behind the last. */
  at(index: number): EventTime | undefined {
    return this.#times[this.#head + index]
  }

  /** The index of the first time that is `from` or later. */
  indexFrom(from: EventTime): number {
    const times = this.#times
    let low = this.#head
    let high = times.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (times[middle]! < from) low = middle + 1
      else high = middle
    }
    return low - this.#head
  }
}
