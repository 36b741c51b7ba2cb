import { MillraceError, requireKnown, type Key } from '@millrace/core'
import { keyToken, tokenKey, type KeyToken } from '@millrace/core/store'
import type { Aggregate } from '../window/aggregate.ts'

/** Which values `heavyHitters` finds. */
export interface HeavyHittersOptions {
  /** How many values the result has at most. Default 10. */
  readonly top?: number
  /**
   * How many counters are kept. A value that is more than one in `counters` of all is always found. Default 1,000.
   */
  readonly counters?: number
}

/** A frequent value, and how often it occurred: at least `count` times and at most `atMost` times. */
export interface HeavyHitter<K extends Key> {
  readonly value: K
  readonly count: number
  readonly atMost: number
}

/** The accumulator of `heavyHitters`: counts less what was taken off them all, and that amount. */
export interface FrequencySketch {
  readonly counts: Map<KeyToken, number>
  takenOff: number
}

/**
 * The most frequent values, approximately, in bounded memory; most frequent first. Undefined is not counted.
 * Counts are exact while there were at most twice `counters` different values. (Misra and Gries, 1982, as
 * improved by Anderson and others, "A high-performance algorithm for identifying frequent items in data
 * streams", 2017.)
 *
 * Throws `OPTION_INVALID` for options that are not whole numbers from 1.
 *
 * @example
 * { popular: heavyHitters((click) => click.page, { top: 3 }) }
 * // { popular: [{ value: '/', count: 920, atMost: 920 }, { value: '/pricing', count: 310, atMost: 310 }] }
 */
export function heavyHitters<In, K extends Key>(
  select: (value: In) => K | undefined,
  options: HeavyHittersOptions = {},
): Aggregate<In, FrequencySketch, readonly HeavyHitter<K>[]> {
  requireKnown('heavyHitters', options, ['top', 'counters'])
  const { top = 10, counters = 1_000 } = options
  for (const [name, value] of Object.entries({ top, counters })) {
    if (Number.isSafeInteger(value) && value >= 1) continue
    throw new MillraceError(
      'OPTION_INVALID',
      `${name} of heavyHitters is ${String(value)}; give a whole number from 1`,
    )
  }
  return {
    kind: `heavyHitters ${counters}`,
    version: 1,
    create: () => ({ counts: new Map(), takenOff: 0 }),
    isFixedSize: true,
    add: (sketch, value) => {
      const selected = select(value)
      if (selected !== undefined) count(sketch, keyToken(selected), 1, counters)
      return sketch
    },
    merge: (earlier, later) => {
      earlier.takenOff += later.takenOff
      for (const [token, n] of later.counts) count(earlier, token, n, counters)
      return earlier
    },
    result: ({ counts, takenOff }) =>
      [...counts]
        .toSorted(([, a], [, b]) => b - a)
        .slice(0, top)
        .map(([token, n]) => ({ value: tokenKey(token) as K, count: n, atMost: n + takenOff })),
    backup: ({ counts, takenOff }) => {
      const copy = { counts: new Map(counts), takenOff }
      return () => copy
    },
  }
}

/**
 * When there are too many counters, takes the same amount off all, so that at most `counters` remain. Each time
 * takes that amount off more than `counters` values at once, which bounds the sum of all amounts.
 */
function count(sketch: FrequencySketch, token: KeyToken, n: number, counters: number): void {
  const { counts } = sketch
  counts.set(token, (counts.get(token) ?? 0) + n)
  if (counts.size <= 2 * counters) return
  const amount = [...counts.values()].toSorted((a, b) => b - a)[counters]!
  for (const [each, before] of counts) {
    if (before > amount) counts.set(each, before - amount)
    else counts.delete(each)
  }
  sketch.takenOff += amount
}
