/** What comes of the rows that two sides have in common: as many results as there are, each made when it is asked for. */

/** What a join of two groups of rows emits. */
export type WindowJoinKind = 'inner' | 'left' | 'right' | 'full' | 'semi' | 'anti'

/** Results by number, from 0. */
export interface Matching {
  readonly count: number
  result(index: number): unknown
}

const nothing: Matching = { count: 0, result: () => undefined }

/**
 * The results of rows that all meet one another.
 *
 * @example
 * matchingOf('left', ['a'], [], (left, right) => [left, right]).result(0) // => ['a', undefined]
 */
export function matchingOf(
  kind: WindowJoinKind,
  lefts: readonly unknown[],
  rights: readonly unknown[],
  combine: (left: unknown, right: unknown) => unknown,
): Matching {
  const isPair = lefts.length > 0 && rights.length > 0
  if (kind === 'semi' || kind === 'anti') {
    if (isPair !== (kind === 'semi')) return nothing
    return { count: lefts.length, result: (index) => lefts[index] }
  }
  if (isPair) {
    const width = rights.length
    return {
      count: lefts.length * width,
      result: (index) => combine(lefts[Math.floor(index / width)], rights[index % width]),
    }
  }
  if (lefts.length > 0 && (kind === 'left' || kind === 'full')) {
    return { count: lefts.length, result: (index) => combine(lefts[index], undefined) }
  }
  if (rights.length > 0 && (kind === 'right' || kind === 'full')) {
    return { count: rights.length, result: (index) => combine(undefined, rights[index]) }
  }
  return nothing
}
