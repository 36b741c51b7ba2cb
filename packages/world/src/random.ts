import { misfit, shown } from './argument.ts'
import type { Random } from './system.ts'
import { waitRegistry } from './wait-registry.ts'

const TWO_32 = 2 ** 32
const TWO_53 = 2 ** 53

/** Scrambles 32 bits so that each input bit reaches each output bit (the finalizer of MurmurHash3). */
function scramble(bits: number): number {
  let x = bits
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

function requireBound(bound: number): void {
  if (!Number.isSafeInteger(bound) || bound < 1) {
    throw new RangeError(`int: bound is ${shown(bound)}; pass an integer from 1 to 2^53-1`)
  }
}

/**
 * xoshiro128** 1.1 by David Blackman and Sebastiano Vigna (prng.di.unimi.it): 128 bits of state, period
 * 2^128-1, passes BigCrush. Not for secrets.
 */
export class Xoshiro128 implements Random {
  readonly #state: Uint32Array
  readonly #seed: readonly [high: number, low: number]

  /** `state` must not be all zeros; `seed` names this source when it is forked. */
  constructor(state: readonly [number, number, number, number], seed: readonly [high: number, low: number]) {
    this.#state = Uint32Array.from(state)
    this.#seed = seed
  }

  /** Expands 64 bits of seed with a Weyl sequence, so that neighbouring seeds have unrelated states. */
  static seeded(high: number, low: number): Xoshiro128 {
    const word = (index: number): number =>
      scramble(low + Math.imul(index, 0x9e3779b9)) ^ scramble(high + Math.imul(index, 0x6a09e667))
    return new Xoshiro128([word(1), word(2), word(3), word(4) | 1], [high, low])
  }

  /** The next 32 bits as an unsigned integer. */
  bits(): number {
    const s = this.#state as Uint32Array & Record<0 | 1 | 2 | 3, number>
    const product = Math.imul(s[1], 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= shifted
    s[3] = (s[3] << 11) | (s[3] >>> 21)
    return result
  }

  next(): number {
    return this.#bits53() / TWO_53
  }

  int(bound: number): number {
    requireBound(bound)
    // The last multiple of the bound may begin a block that is not whole. Results from it would be more
    // frequent than others, so they are drawn again.
    const size = bound <= TWO_32 ? TWO_32 : TWO_53
    for (;;) {
      const drawn = size === TWO_32 ? this.bits() : this.#bits53()
      const result = drawn % bound
      if (drawn - result + bound <= size) return result
    }
  }

  fork(label: string): Random {
    if (typeof label !== 'string') throw misfit('fork', 'the label', label, 'a string')
    let [high, low] = this.#seed
    for (let i = 0; i < label.length; i++) {
      const unit = label.charCodeAt(i)
      low = Math.imul(low ^ unit, 0x01000193)
      high = Math.imul(high ^ unit, 0x5bd1e995) ^ low
    }
    return Xoshiro128.seeded(scramble(high ^ label.length), scramble(low + 0x632be5ab))
  }

  #bits53(): number {
    return (this.bits() >>> 5) * 2 ** 26 + (this.bits() >>> 6)
  }
}

/**
 * A reproducible source: the same seed always gives the same sequence.
 *
 * Any finite number is a seed; all 64 bits of it count, so 1 and 1.5 differ.
 *
 * @throws RangeError when `seed` is not finite.
 *
 * @example
 * seededRandom(7).int(100) === seededRandom(7).int(100) // => true
 */
export function seededRandom(seed: number): Random {
  if (!Number.isFinite(seed))
    throw new RangeError(`seededRandom: seed is ${shown(seed)}; pass a finite number`)
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, seed === 0 ? 0 : seed) // -0 and 0 are one seed.
  return Xoshiro128.seeded(view.getUint32(0), view.getUint32(4))
}

/**
 * The machine's own randomness: different in each run. Not for secrets. Its forks are itself. In a simulation it is
 * the world's, and the same for the same seed.
 */
export const systemRandom: Random = {
  next: () => waitRegistry?.system?.random.next() ?? Math.random(),
  int(bound) {
    const simulated = waitRegistry?.system
    if (simulated !== undefined) return simulated.random.int(bound)
    requireBound(bound)
    return Math.floor(Math.random() * bound)
  },
  fork: () => systemRandom,
}
