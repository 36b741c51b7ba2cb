import type { MemoryCell } from './memory-cell.ts'

const digitValues = 2 ** 16

/**
 * The cells in the order of their `seq`, in a new array.
 *
 * A radix sort, sixteen bits at a time: comparing a million cells that lie scattered in memory takes ten
 * times as long.
 */
export function inSeqOrder<T>(cells: readonly MemoryCell<T>[]): MemoryCell<T>[] {
  let lowest = Infinity
  let highest = -Infinity
  for (const { seq } of cells) {
    if (seq < lowest) lowest = seq
    if (seq > highest) highest = seq
  }
  let places = Float64Array.from(cells, ({ seq }) => seq - lowest)
  let sorted = [...cells]
  for (let divisor = 1; divisor <= highest - lowest; divisor *= digitValues) {
    const starts = digitStarts(places, divisor)
    const nextPlaces = new Float64Array(cells.length)
    const next = [...sorted]
    for (let i = 0; i < sorted.length; i++) {
      const digit = Math.floor(places[i]! / divisor) % digitValues
      const at = starts[digit]!
      starts[digit] = at + 1
      nextPlaces[at] = places[i]!
      next[at] = sorted[i]!
    }
    places = nextPlaces
    sorted = next
  }
  return sorted
}

/** Where the first of each digit goes. */
function digitStarts(places: Float64Array, divisor: number): Uint32Array {
  const starts = new Uint32Array(digitValues + 1)
  for (const place of places) starts[(Math.floor(place / divisor) % digitValues) + 1]!++
  for (let digit = 1; digit <= digitValues; digit++) starts[digit]! += starts[digit - 1]!
  return starts
}
