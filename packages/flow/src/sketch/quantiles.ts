import { MillraceError, requireKnown } from '@millrace/core'
import type { Aggregate } from '../window/aggregate.ts'
import { numeric } from '../window/sum.ts'

/** How exact quantiles are. */
export interface QuantilesOptions {
  /** The largest relative error of a quantile, from 0.001 to 0.5. Default 0.01. */
  readonly error?: number
}

/** The accumulator of `quantiles`: how many values each bin has. */
export interface QuantileSketch {
  zeros: number
  readonly positive: Map<number, number>
  readonly negative: Map<number, number>
}

/** With an error of 0.01 these bins span 17 powers of ten. Values nearer to zero than that share a bin. */
const binsMax = 2_048
/** A smaller value counts as zero. */
const smallest = 1e-300

/**
 * Quantiles of numbers, approximately, in bounded memory: for each of the given shares, a number that differs
 * from the exact quantile by at most `error` times its size. Undefined without values. A value that is undefined
 * is ignored; any other that is not a finite number is an error. (DDSketch of Masson, Rim and Lee, 2019.)
 *
 * Throws `OPTION_INVALID` for a share that is not from 0 to 1, and an error out of range.
 *
 * @example
 * { latency: quantiles((call) => call.ms, [0.5, 0.99]) } // { latency: [12.1, 340] }
 */
export function quantiles<In>(
  select: (value: In) => number | undefined,
  shares: readonly number[],
  options: QuantilesOptions = {},
): Aggregate<In, QuantileSketch, readonly number[] | undefined> {
  requireKnown('quantiles', options, ['error'])
  const { error = 0.01 } = options
  check(shares, error)
  const gamma = (1 + error) / (1 - error)
  const perBin = 1 / Math.log(gamma)
  const binOf = (value: number): number => Math.ceil(Math.log(value) * perBin)
  return {
    kind: `quantiles ${error}`,
    version: 1,
    create: () => ({ zeros: 0, positive: new Map(), negative: new Map() }),
    isFixedSize: true,
    add: (sketch, value) => {
      const selected = select(value)
      if (selected === undefined) return sketch
      const number = numeric(selected, 'quantiles')
      if (!Number.isFinite(number)) {
        throw new MillraceError('OPERATOR_FAILED', `quantiles was given ${number}; it takes finite numbers`)
      }
      if (Math.abs(number) < smallest) sketch.zeros++
      else if (number > 0) count(sketch.positive, binOf(number), 1)
      else count(sketch.negative, binOf(-number), 1)
      return sketch
    },
    merge: (earlier, later) => {
      earlier.zeros += later.zeros
      for (const [bin, n] of later.positive) count(earlier.positive, bin, n)
      for (const [bin, n] of later.negative) count(earlier.negative, bin, n)
      return earlier
    },
    result: (sketch) => {
      const bins = inOrder(sketch, (bin) => (2 * gamma ** bin) / (gamma + 1))
      const total = bins.reduce((sum, [, n]) => sum + n, 0)
      return total === 0 ? undefined : shares.map((share) => atRank(bins, share * (total - 1)))
    },
    backup: ({ zeros, positive, negative }) => {
      const copy = { zeros, positive: new Map(positive), negative: new Map(negative) }
      return () => copy
    },
  }
}

function check(shares: readonly number[], error: number): void {
  const wrong = shares.find((share) => !(share >= 0 && share <= 1))
  if (wrong !== undefined || shares.length === 0) {
    throw new MillraceError(
      'OPTION_INVALID',
      `quantiles was given ${wrong === undefined ? 'no shares' : String(wrong)}; give numbers from 0 to 1, such as [0.5, 0.99]`,
    )
  }
  if (!(error >= 0.001 && error <= 0.5)) {
    throw new MillraceError(
      'OPTION_INVALID',
      `error of quantiles is ${String(error)}; give a number from 0.001 to 0.5`,
    )
  }
}

function count(bins: Map<number, number>, bin: number, n: number): void {
  bins.set(bin, (bins.get(bin) ?? 0) + n)
  if (bins.size <= binsMax) return
  const [lowest, next] = [...bins.keys()].toSorted((a, b) => a - b) as [number, number]
  bins.set(next, bins.get(next)! + bins.get(lowest)!)
  bins.delete(lowest)
}

/** The bins by value, each with its middle. */
function inOrder(
  { zeros, positive, negative }: QuantileSketch,
  middle: (bin: number) => number,
): readonly (readonly [value: number, n: number])[] {
  return [
    ...[...negative].toSorted(([a], [b]) => b - a).map(([bin, n]) => [-middle(bin), n] as const),
    ...(zeros === 0 ? [] : [[0, zeros] as const]),
    ...[...positive].toSorted(([a], [b]) => a - b).map(([bin, n]) => [middle(bin), n] as const),
  ]
}

function atRank(bins: readonly (readonly [value: number, n: number])[], rank: number): number {
  let before = 0
  for (const [value, n] of bins) {
    before += n
    if (before > rank) return value
  }
  return bins.at(-1)![0]
}
