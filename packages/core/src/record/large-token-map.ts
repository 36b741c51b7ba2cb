import { assert } from '../errors/errors.ts'
import type { KeyToken } from './key-token.ts'

/** How many entries are moved with each change. */
const movesPerChange = 8

/**
 * A map of very many tokens that grows and shrinks incrementally, and keeps the order of insertion.
 *
 * When its table is full, or mostly empty, entries are moved to another, a few with each change. Until then
 * an entry is in one of the two. The order is: moved entries, from the start of the new table; entries not
 * moved yet; and entries added since, after the moved ones in the new table.
 *
 * Invariant: the old table is empty before the new one is full. With `n` indices used in the old one and
 * `live` entries, the new one has room for at least `n / 8` more, and each of these additions moves 8.
 */
export class LargeTokenMap<V> {
  #table: TokenTable<V>
  /** The index of the next entry that is added. */
  #next = 0
  #size = 0
  /** The table being moved, from `#moved` on to `#movedTo`. */
  #old: TokenTable<V> | undefined
  #moved = 0
  #movedTo = 0
  /** The index in `#table` of the first entry that was added since. */
  #firstAdded = 0

  constructor(entries: ReadonlyMap<KeyToken, V>) {
    this.#table = new TokenTable(2 * entries.size)
    for (const [token, value] of entries) this.#table.put(this.#next++, token, value, tokenHash(token))
    this.#size = entries.size
  }

  get size(): number {
    return this.#size
  }

  get(token: KeyToken): V | undefined {
    const hash = tokenHash(token)
    const index = this.#table.find(token, hash)
    if (index >= 0) return this.#table.valueAt(index)
    const old = this.#findOld(token, hash)
    return old < 0 ? undefined : this.#old!.valueAt(old)
  }

  add(token: KeyToken, value: V): void {
    const hash = tokenHash(token)
    assert(this.#table.find(token, hash) < 0 && this.#findOld(token, hash) < 0, 'an added token is new')
    if (this.#next === this.#table.capacity) this.#startMoving()
    this.#table.put(this.#next++, token, value, hash)
    this.#size++
    this.#move()
  }

  delete(token: KeyToken): boolean {
    const hash = tokenHash(token)
    const index = this.#table.find(token, hash)
    if (index >= 0) this.#table.remove(index)
    else {
      const old = this.#findOld(token, hash)
      if (old < 0) return false
      this.#old!.remove(old)
    }
    this.#size--
    if (this.#old === undefined && this.#size < this.#next / movesPerChange) this.#startMoving()
    this.#move()
    return true
  }

  /**
   * In order of insertion. May be changed during iteration: new entries may be skipped, and deleted ones may
   * still appear.
   */
  *values(): Generator<V> {
    const [table, old, firstAdded] = [this.#table, this.#old, this.#firstAdded]
    let index = 0
    if (old !== undefined) {
      for (; index < (this.#old === old ? this.#movedTo : firstAdded); index++) {
        if (table.tokenAt(index) !== undefined) yield table.valueAt(index)
      }
      for (let i = this.#old === old ? this.#moved : old.end; i < old.end; i++) {
        if (old.tokenAt(i) !== undefined) yield old.valueAt(i)
      }
      index = firstAdded
    }
    for (; index < table.end; index++) if (table.tokenAt(index) !== undefined) yield table.valueAt(index)
  }

  /** The index in the old table of an entry that was not moved; -1 if there is none. */
  #findOld(token: KeyToken, hash: number): number {
    const index = this.#old === undefined ? -1 : this.#old.find(token, hash)
    return index < this.#moved ? -1 : index
  }

  #startMoving(): void {
    assert(this.#old === undefined, 'all entries were moved before the table is full')
    this.#old = this.#table
    this.#table = new TokenTable(Math.max(2 * this.#size, this.#next / 4))
    this.#moved = 0
    this.#movedTo = 0
    this.#firstAdded = this.#size
    this.#next = this.#size
  }

  #move(): void {
    const old = this.#old
    if (old === undefined) return
    for (let i = 0; i < movesPerChange && this.#moved < old.end; i++) {
      const index = this.#moved++
      const token = old.tokenAt(index)
      if (token !== undefined) this.#table.put(this.#movedTo++, token, old.valueAt(index), old.hashAt(index))
    }
    if (this.#moved >= old.end) this.#old = undefined
  }
}

const pageBits = 11
const pageEntries = 2 ** pageBits

/**
 * A hash table of fixed capacity: entries in pages, each at an index chosen by the caller, and slots to look
 * them up.
 *
 * A removed entry leaves its slot, so an index must not be reused.
 */
export class TokenTable<V> {
  /** The maximum number of entries: a quarter to a half of the slots are in use then. */
  readonly capacity: number
  /** Where the last entry was put, plus one. */
  end = 0
  readonly #mask: number
  /** For each slot the hash of an entry, and its index plus one; 0 if the slot is free. */
  readonly #slots: Int32Array
  readonly #hashes: Int32Array
  /** Token and value of each entry in turn. The token of a removed one is undefined. */
  readonly #pages: (KeyToken | V | undefined)[][] = []

  /** For at least this many entries. */
  constructor(entries: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(8, 2 * entries)))
    this.capacity = slots / 2
    this.#mask = slots - 1
    this.#slots = new Int32Array(2 * slots)
    this.#hashes = new Int32Array(this.capacity)
  }

  /** The index of an entry; -1 if there is none. */
  find(token: KeyToken, hash: number): number {
    const slots = this.#slots
    const mask = this.#mask
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const index = slots[2 * slot + 1]! - 1
      if (index < 0) return -1
      if (slots[2 * slot] === hash && isSame(this.tokenAt(index), token)) return index
    }
  }

  /** Adds an entry at an index. The token must be new. */
  put(index: number, token: KeyToken, value: V, hash: number): void {
    const slots = this.#slots
    const mask = this.#mask
    let slot = hash & mask
    while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask
    slots[2 * slot] = hash
    slots[2 * slot + 1] = index + 1
    this.#hashes[index] = hash
    const page = (this.#pages[index >> pageBits] ??= Array.from({ length: 2 * pageEntries }))
    const place = 2 * (index & (pageEntries - 1))
    page[place] = token
    page[place + 1] = value
    if (index >= this.end) this.end = index + 1
  }

  remove(index: number): void {
    const page = this.#pages[index >> pageBits]!
    const place = 2 * (index & (pageEntries - 1))
    page[place] = undefined
    page[place + 1] = undefined
  }

  /** Undefined if there is no entry. */
  tokenAt(index: number): KeyToken | undefined {
    return this.#pages[index >> pageBits]?.[2 * (index & (pageEntries - 1))] as KeyToken | undefined
  }

  /** Only for an existing entry. */
  valueAt(index: number): V {
    return this.#pages[index >> pageBits]![2 * (index & (pageEntries - 1)) + 1] as V
  }

  hashAt(index: number): number {
    return this.#hashes[index]!
  }
}

/** Compares like a `Map`. */
function isSame(a: KeyToken | undefined, b: KeyToken): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b))
}

/** How many of a text's last characters count, and at most how many of the others. */
const sampledCharacters = 32

const multiplier = 0x01000193
const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)

/** The last text and its hash: an operator looks up the key of a record in each of its tables. */
let lastText = ''
let lastHash = mixed(0)

/**
 * A hash of 32 bits for tables in memory: equal for tokens that a `Map` considers equal. Not the hash of key
 * groups, of which a subtask has only some.
 */
export function tokenHash(token: KeyToken): number {
  if (typeof token === 'string') {
    if (token !== lastText) {
      lastText = token
      lastHash = mixed(textHash(token))
    }
    return lastHash
  }
  if (typeof token === 'number') {
    const whole = token | 0
    if (whole === token) return mixed(whole)
    double[0] = token
    return mixed(words[0]! ^ Math.imul(words[1]!, multiplier))
  }
  if (typeof token === 'bigint') return mixed(Number(BigInt.asUintN(32, token)))
  return mixed(token === null ? 0 : token ? 1 : 2)
}

function textHash(text: string): number {
  const { length } = text
  const tail = Math.max(0, length - sampledCharacters)
  let hash = length
  for (let i = tail; i < length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), multiplier)
  if (tail === 0) return hash
  const step = Math.ceil(tail / sampledCharacters)
  for (let i = 0; i < tail; i += step) hash = Math.imul(hash ^ text.charCodeAt(i), multiplier)
  return hash
}

/** Mixes the bits. (The last step of MurmurHash3.) */
function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35)
  return bits ^ (bits >>> 16)
}
