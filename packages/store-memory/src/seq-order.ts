import type { MemoryCell } from './memory-cell.ts'

const digitValues = 2 ** 16
/** So many cells are looked at between two turns that others may have. */
const step = 64

/**
 * Returns the cells in the order of their `seq`, in a new array. Yields now and then.
 *
 * A radix sort, sixteen bits at a time: comparing a million cells that lie scattered in memory takes ten
 * times as long.
 */
export function* inSeqOrder<T>(
  cells: readonly MemoryCell<T>[],
): Generator<undefined, readonly MemoryCell<T>[]> {
  const count = cells.length
  let lowest = Infinity
  let highest = -Infinity
  for (let i = 0; i < count; i++) {
    const { seq } = cells[i]!
    if (seq < lowest) lowest = seq
    if (seq > highest) highest = seq
    if (i % step === 0) yield
  }
  let places = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    places[i] = cells[i]!.seq - lowest
    if (i % step === 0) yield
  }
  let sorted = cells.slice()
  for (let divisor = 1; divisor <= highest - lowest; divisor *= digitValues) {
    const starts = yield* digitStarts(places, divisor)
    const nextPlaces = new Float64Array(count)
    const next = cells.slice()
    for (let i = 0; i < count; i++) {
      const digit = Math.floor(places[i]! / divisor) % digitValues
      const at = starts[digit]!
      starts[digit] = at + 1
      nextPlaces[at] = places[i]!
      next[at] = sorted[i]!
      if (i % step === 0) yield
    }
    places = nextPlaces
    sorted = next
  }
  return sorted
}

/** Where the first of each digit goes. */
function* digitStarts(places: Float64Array, divisor: number): Generator<undefined, Uint32Array> {
  const starts = new Uint32Array(digitValues + 1)
  for (let i = 0; i < places.length; i++) {
    starts[(Math.floor(places[i]! / divisor) % digitValues) + 1]!++
    if (i % step === 0) yield
  }
  for (let digit = 1; digit <= digitValues; digit++) starts[digit]! += starts[digit - 1]!
  return starts
}
