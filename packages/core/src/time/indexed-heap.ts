import { MAX_TIME, type EventTime } from '../record/time.ts'

/**
 * A binary heap of small numbers by event time, with constant-time access to the number with the least time; the times
 * may change.
 *
 * Numbers with equal times come in any order.
 */
export class IndexedHeap {
  readonly #numbers: number[] = []
  /** By number: its place in `#numbers`, or -1. */
  readonly #places: number[] = []
  /** By number: its time. */
  readonly #times: EventTime[] = []

  get size(): number {
    return this.#numbers.length
  }

  /** The number with the least time; undefined if the heap is empty. */
  get first(): number | undefined {
    return this.#numbers[0]
  }

  /** The least time; `MAX_TIME` if the heap is empty. */
  get least(): EventTime {
    return this.#numbers.length === 0 ? MAX_TIME : this.#times[this.#numbers[0]!]!
  }

  has(number: number): boolean {
    return (this.#places[number] ?? -1) >= 0
  }

  /** Adds a number that is not in the heap. */
  add(number: number, time: EventTime): void {
    while (this.#places.length <= number) {
      this.#places.push(-1)
      this.#times.push(MAX_TIME)
    }
    this.#times[number] = time
    this.#numbers.push(number)
    this.#rise(this.#numbers.length - 1, number)
  }

  /** Increases the time of a number of the heap. */
  raise(number: number, time: EventTime): void {
    this.#times[number] = time
    this.#sink(this.#places[number]!, number)
  }

  /** Removes a number of the heap. */
  remove(number: number): void {
    const place = this.#places[number]!
    const last = this.#numbers.pop()!
    this.#places[number] = -1
    if (last === number) return
    this.#rise(place, last)
    this.#sink(this.#places[last]!, last)
  }

  /** Puts `number` in the place `start` or above it. */
  #rise(start: number, number: number): void {
    const [numbers, places, times] = [this.#numbers, this.#places, this.#times]
    const time = times[number]!
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = numbers[parent]!
      if (times[above]! <= time) break
      numbers[at] = above
      places[above] = at
      at = parent
    }
    numbers[at] = number
    places[number] = at
  }

  /** Puts `number` in the place `start` or below it. */
  #sink(start: number, number: number): void {
    const [numbers, places, times] = [this.#numbers, this.#places, this.#times]
    const { length } = numbers
    const time = times[number]!
    let at = start
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && times[numbers[child + 1]!]! < times[numbers[child]!]!) child++
      const below = numbers[child]!
      if (times[below]! >= time) break
      numbers[at] = below
      places[below] = at
      at = child
    }
    numbers[at] = number
    places[number] = at
  }
}
