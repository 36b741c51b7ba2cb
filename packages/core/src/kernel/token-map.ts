import { assert } from './assert.ts'
import type { KeyToken } from './key-token.ts'
import { mergedInOrder } from './merged-in-order.ts'

/** More entries than this are spread over several `Map`s. */
const bucketEntriesMax = 2 ** 16

/** So many times as many places as full buckets at most: with more, tokens of one hash are what fills a bucket. */
const placesPerBucket = 16

/**
 * A map with tokens as keys that has no largest size and never holds the event loop for long.
 *
 * A `Map` copies all of its entries when it grows: a million take a tenth of a second. And it throws at 16.7 million.
 * So a large map is many small ones, by hash; one that is full is split in two (extendible hashing). Nearly every
 * instance has one `Map` only, so nearly every look-up is one look-up.
 */
export class TokenMap<V> {
  readonly #entriesMax: number
  /** All entries, as long as one `Map` holds them. */
  #only: Map<KeyToken, V> | undefined = new Map()
  #buckets: Buckets<V> | undefined

  constructor(entriesMax: number = bucketEntriesMax) {
    this.#entriesMax = entriesMax
  }

  get size(): number {
    return this.#only === undefined ? this.#buckets!.size : this.#only.size
  }

  /** The number of entries of its largest part: what may have to be copied at once. */
  get largestPart(): number {
    return this.#only === undefined
      ? Math.max(...this.#buckets!.each().map(({ size }) => size))
      : this.#only.size
  }

  get(token: KeyToken): V | undefined {
    return this.#only === undefined ? this.#buckets!.of(token).get(token) : this.#only.get(token)
  }

  /** Adds an entry. The token must not be there. */
  add(token: KeyToken, value: V): void {
    const only = this.#only
    if (only !== undefined && only.size < this.#entriesMax) {
      addTo(only, token, value)
      return
    }
    if (only !== undefined) {
      this.#buckets = new Buckets(only, this.#entriesMax)
      this.#only = undefined
    }
    this.#buckets!.add(token, value)
  }

  delete(token: KeyToken): void {
    if (this.#only === undefined) this.#buckets!.delete(token)
    else this.#only.delete(token)
  }

  /**
   * All values, in the order in which they were added while they are few, otherwise in any order. May be changed
   * meanwhile: entries added may be left out, and entries deleted may still come.
   */
  values(): Iterator<V> & Iterable<V> {
    return this.#only === undefined ? this.#buckets!.values() : this.#only.values()
  }

  /** All values in the order of `orderOf`, which must be the order in which they were added. Otherwise as `values`. */
  valuesInOrder(orderOf: (value: V) => number): Iterator<V> & Iterable<V> {
    if (this.#only !== undefined) return this.#only.values()
    return mergedInOrder(this.#buckets!.each(), orderOf)
  }

  /** All entries, in any order. Otherwise as `values`. */
  *entries(): Generator<[KeyToken, V]> {
    if (this.#only !== undefined) yield* this.#only.entries()
    else for (const bucket of this.#buckets!.each()) yield* bucket.entries()
  }
}

/** Small maps, found by the last bits of a token's hash. */
class Buckets<V> {
  readonly #entriesMax: number
  readonly #sampled: number
  /** Two to the power of some depth; a bucket of less depth stands at several places. */
  #directory: Map<KeyToken, V>[]
  /** How many bits of the hash the tokens of a bucket share, by its places. */
  #depths: number[] = [0]
  size: number

  constructor(entries: Map<KeyToken, V>, entriesMax: number) {
    this.#entriesMax = entriesMax
    this.#sampled = enoughCharacters(entries.keys())
    this.#directory = [entries]
    this.size = entries.size
  }

  /** Where a token is, if it is there. */
  of(token: KeyToken): Map<KeyToken, V> {
    return this.#directory[this.#placeOf(token)]!
  }

  add(token: KeyToken, value: V): void {
    // Before the `Map` would grow.
    if (this.of(token).size >= this.#entriesMax) this.#split(this.#placeOf(token))
    addTo(this.of(token), token, value)
    this.size++
  }

  delete(token: KeyToken): void {
    if (this.of(token).delete(token)) this.size--
  }

  /** Every bucket once. */
  each(): readonly Map<KeyToken, V>[] {
    return [...new Set(this.#directory)]
  }

  *values(): Generator<V> {
    for (const bucket of this.each()) yield* bucket.values()
  }

  #placeOf(token: KeyToken): number {
    return spread(token, this.#sampled) & (this.#directory.length - 1)
  }

  /** Splits the bucket at a place by one more bit. Iterations under way continue over the old bucket. */
  #split(place: number): void {
    const depth = this.#depths[place]!
    const bit = 2 ** depth
    if (bit === this.#directory.length) {
      if (this.#directory.length > placesPerBucket * (1 + this.size / this.#entriesMax)) return
      this.#directory = [...this.#directory, ...this.#directory]
      this.#depths = [...this.#depths, ...this.#depths]
    }
    const without = new Map<KeyToken, V>()
    const withBit = new Map<KeyToken, V>()
    for (const [token, value] of this.#directory[place]!) {
      ;((spread(token, this.#sampled) & bit) === 0 ? without : withBit).set(token, value)
    }
    for (let at = place & (bit - 1); at < this.#directory.length; at += bit) {
      this.#directory[at] = (at & bit) === 0 ? without : withBit
      this.#depths[at] = depth + 1
    }
  }
}

function addTo<V>(entries: Map<KeyToken, V>, token: KeyToken, value: V): void {
  const { size } = entries
  entries.set(token, value)
  assert(entries.size > size, 'a token that is added is not there yet')
}

/** How many of a text's last characters count at least: each costs time, and few are enough if they differ. */
const sampledMin = 8
const sampledMax = 32
/** So many tokens are looked at to find out whether they differ. */
const looksMax = 1_000

/** How many characters must count so that these tokens are spread evenly over four buckets. */
function enoughCharacters(tokens: Iterable<KeyToken>): number {
  const looked: KeyToken[] = []
  for (const token of tokens) if (looked.push(token) === looksMax) break
  for (let sampled = sampledMin; sampled < sampledMax; sampled *= 2) {
    const counts = [0, 0, 0, 0]
    for (const token of looked) counts[spread(token, sampled) & 3]!++
    if (Math.max(...counts) <= 0.4 * looked.length) return sampled
  }
  return sampledMax
}

const multiplier = 0x01000193
const goldenRatio = 0x9e37_79b1
const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)

/**
 * Spreads tokens over buckets: the same for tokens that a `Map` takes for equal. Not that of key groups, of which a
 * subtask has only some.
 */
function spread(token: KeyToken, sampled: number): number {
  if (typeof token === 'string') return mixed(textHash(token, sampled))
  if (typeof token === 'number') {
    const whole = token | 0
    if (whole === token) return mixed(whole)
    double[0] = token
    return mixed(words[0]! ^ Math.imul(words[1]!, multiplier))
  }
  if (typeof token === 'bigint') return mixed(Number(BigInt.asUintN(32, token)))
  return token === null ? 0 : token ? 1 : 2
}

/** Of the last `sampled` characters; with the most of them, of as many of the others too. */
function textHash(text: string, sampled: number): number {
  const { length } = text
  let hash = length
  const tail = Math.max(0, length - sampled)
  if (sampled === sampledMax) {
    const step = Math.ceil(tail / sampled)
    for (let i = 0; i < tail; i += step) hash = Math.imul(hash ^ text.charCodeAt(i), multiplier)
  }
  for (let i = tail; i < length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), multiplier)
  return hash
}

function mixed(hash: number): number {
  const product = Math.imul(hash, goldenRatio)
  return product ^ (product >>> 15)
}
