import type { SeqPages } from './seq-pages.ts'

/** How many entries are sorted at once: what that takes besides the index is bounded. */
const sortedMax = 1024 * 1024
/** Into how many parts the range of numbers is divided to find such groups. */
const bins = 65_536
const digits = 2048
/** How many entries are visited between two steps. */
const stepEntries = 64

/**
 * Yields the entries from 1 to `count` in the order of their numbers; undefined after a step without one. Each has another
 * number.
 *
 * It visits all entries once for each million of them, and sorts those whose numbers are next.
 */
export function* inSeqOrder(seqs: SeqPages, count: number): Generator<number | undefined> {
  if (count === 0) return
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (let entry = 1; entry <= count; entry++) {
    const seq = seqs.get(entry)
    if (seq < lowest) lowest = seq
    if (seq > highest) highest = seq
    if (entry % stepEntries === 0) yield undefined
  }
  const width = Math.max(1, Math.ceil((highest - lowest + 1) / bins))
  const counts = new Uint32Array(bins)
  for (let entry = 1; entry <= count; entry++) {
    counts[Math.floor((seqs.get(entry) - lowest) / width)]!++
    if (entry % stepEntries === 0) yield undefined
  }
  for (let bin = 0; bin < bins;) {
    let size = counts[bin]!
    let end = bin + 1
    while (end < bins && size + counts[end]! <= sortedMax) size += counts[end++]!
    if (size > 0) yield* sorted(seqs, count, { from: lowest + bin * width, to: lowest + end * width, size })
    bin = end
  }
}

/** The entries whose numbers are in a range, in order. */
function* sorted(
  seqs: SeqPages,
  count: number,
  { from, to, size }: { readonly from: number; readonly to: number; readonly size: number },
): Generator<number | undefined> {
  let entries = new Uint32Array(size)
  let found = 0
  for (let entry = 1; entry <= count && found < size; entry++) {
    const seq = seqs.get(entry)
    if (seq >= from && seq < to) entries[found++] = entry
    if (entry % stepEntries === 0) yield undefined
  }
  let other = new Uint32Array(size)
  for (let scale = 1; scale < to - from; scale *= digits) {
    const starts = new Uint32Array(digits + 1)
    const digit = (entry: number): number => Math.floor((seqs.get(entry) - from) / scale) % digits
    for (let i = 0; i < size; i++) {
      starts[digit(entries[i]!) + 1]!++
      if (i % stepEntries === 0) yield undefined
    }
    for (let i = 1; i < digits; i++) starts[i]! += starts[i - 1]!
    for (let i = 0; i < size; i++) {
      const entry = entries[i]!
      other[starts[digit(entry)]!++] = entry
      if (i % stepEntries === 0) yield undefined
    }
    ;[entries, other] = [other, entries]
  }
  yield* entries
}
