import { MillraceError, requireKnown, type Key } from '@millrace/core'
import { keyToken } from '@millrace/core/store'
import type { Aggregate } from '../window/aggregate.ts'
import { hash53 } from './hash.ts'

/** How exact a count of distinct values is. */
export interface CountDistinctOptions {
  /**
   * The standard error of the count, as a share of it, from 0.004 to 0.2. Half of it needs four times the memory.
   * Default 0.02: 4 kB for each key and window with many values.
   */
  readonly error?: number
}

/** The accumulator of `approximateCountDistinct`: the hashes of the first values, then a register for each group of hashes. */
export type DistinctSketch = Set<number> | Uint8Array

/** Up to so many distinct values the count is exact. */
const exactMax = 256

/**
 * The number of different values, approximately, in bounded memory. Exact up to 256 different values. A value
 * that is undefined is not counted. (HyperLogLog of Flajolet and others, 2007, with the estimator of Otmar Ertl,
 * "New cardinality estimation algorithms for HyperLogLog sketches", 2017.)
 *
 * For an exact count use `countDistinct`, whose memory grows with the number of different values.
 *
 * Throws `OPTION_INVALID` for an error out of range.
 *
 * @example
 * { visitors: approximateCountDistinct((click) => click.visitor) }
 * { visitors: approximateCountDistinct((click) => click.visitor, { error: 0.005 }) }
 */
export function approximateCountDistinct<In>(
  select: (value: In) => Key | undefined,
  options: CountDistinctOptions = {},
): Aggregate<In, DistinctSketch, number> {
  requireKnown('approximateCountDistinct', options, ['error'])
  const bits = bitsFor(options.error ?? 0.02)
  return {
    kind: `approximateCountDistinct ${bits}`,
    version: 1,
    create: () => new Set(),
    isFixedSize: true,
    add: (sketch, value) => {
      const selected = select(value)
      return selected === undefined ? sketch : addHash(sketch, hash53(keyToken(selected)), bits)
    },
    merge: (earlier, later) => merged(earlier, later, bits),
    result: (sketch) => (sketch instanceof Set ? sketch.size : Math.round(estimate(sketch, bits))),
    backup: (sketch) => {
      const copy = sketch instanceof Set ? new Set(sketch) : sketch.slice()
      return () => copy
    },
  }
}

/** With m registers the standard error is 1.04 / sqrt(m). */
function bitsFor(error: number): number {
  if (!(error >= 0.004 && error <= 0.2)) {
    throw new MillraceError(
      'OPTION_INVALID',
      `error of approximateCountDistinct is ${String(error)}; give a number from 0.004 to 0.2`,
    )
  }
  return Math.ceil(Math.log2((1.04 / error) ** 2))
}

function addHash(sketch: DistinctSketch, hash: number, bits: number): DistinctSketch {
  if (!(sketch instanceof Set)) {
    register(sketch, hash, bits)
    return sketch
  }
  sketch.add(hash)
  return sketch.size <= exactMax ? sketch : registersOf(sketch, bits)
}

function registersOf(hashes: ReadonlySet<number>, bits: number): Uint8Array {
  const registers = new Uint8Array(2 ** bits)
  for (const hash of hashes) register(registers, hash, bits)
  return registers
}

/** Keeps, for the group of hashes with the same first bits, the most leading zeros among the other bits, plus 1. */
function register(registers: Uint8Array, hash: number, bits: number): void {
  const high = Math.floor(hash / 2 ** 21)
  const group = high >>> (32 - bits)
  const rest = (high << bits) >>> 0
  const zeros = rest === 0 ? 32 - bits + Math.clz32(hash % 2 ** 21) - 11 : Math.clz32(rest)
  if (registers[group]! < zeros + 1) registers[group] = zeros + 1
}

function merged(earlier: DistinctSketch, later: DistinctSketch, bits: number): DistinctSketch {
  if (later instanceof Set) {
    let sketch = earlier
    for (const hash of later) sketch = addHash(sketch, hash, bits)
    return sketch
  }
  const registers = earlier instanceof Set ? registersOf(earlier, bits) : earlier
  for (let i = 0; i < registers.length; i++) registers[i] = Math.max(registers[i]!, later[i]!)
  return registers
}

function estimate(registers: Uint8Array, bits: number): number {
  const longest = 53 - bits
  const counts = new Float64Array(longest + 2)
  for (const value of registers) counts[value]!++
  const m = registers.length
  let z = m * tau(1 - counts[longest + 1]! / m)
  for (let k = longest; k >= 1; k--) z = (z + counts[k]!) / 2
  return (m * m) / (2 * Math.LN2 * (z + m * sigma(counts[0]! / m)))
}

/** x + the sum over k from 1 of x^(2^k) 2^(k-1). */
function sigma(share: number): number {
  if (share === 1) return Infinity
  let [x, y, z] = [share, 1, share]
  for (let before = -1; z !== before;) {
    before = z
    x *= x
    z += x * y
    y += y
  }
  return z
}

/** A third of 1 - x - the sum over k from 1 of (1 - x^(2^-k))^2 2^-k. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let [x, y, z] = [share, 1, 1 - share]
  for (let before = -1; z !== before;) {
    before = z
    x = Math.sqrt(x)
    y /= 2
    z -= (1 - x) ** 2 * y
  }
  return z / 3
}
