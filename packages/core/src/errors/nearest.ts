/**
 * The candidate that `word` was probably meant to be: the one it begins, or the one with the fewest typing
 * errors. Undefined if none is near.
 *
 * @example
 * nearest('bonded', ['bounded', 'json']) // => 'bounded'
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const begun = candidates.filter((candidate) => word.length > 1 && candidate.startsWith(word))
  if (begun.length === 1) return begun[0]
  const [best] = candidates
    .map((candidate) => ({ candidate, errors: typingErrors(word, candidate) }))
    .filter(({ candidate, errors }) => errors <= Math.max(word.length, candidate.length) / 3)
    .toSorted((a, b) => a.errors - b.errors)
  return best?.candidate
}

/** Letters to add, drop, change or swap with a neighbour to get from `a` to `b`. (Damerau and Levenshtein.) */
function typingErrors(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwap ? rows[i - 2]![j - 2]! + 1 : Infinity
      row.push(Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, change, swap))
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
