import type { KeyToken } from '@millrace/core/store'
import type { CellEntries } from './cell-entries.ts'
import { Entries, ownWords } from './entries.ts'
import { sameToken } from './token-hash.ts'

const firstWord = ownWords
const lastWord = ownWords + 1
const countWord = ownWords + 2
const nextWord = ownWords + 3
const previousWord = ownWords + 4

/** How many outer tokens are remembered besides those of cells. */
const rememberedMax = 4096

/**
 * The outer tokens with cells, in the order of their first cells, and for each its entries in order of creation.
 *
 * An outer token is a number here; its token is that of its first cell.
 */
export class OuterIndex {
  readonly #outers = new Entries(5)
  readonly #entries: CellEntries
  readonly #tokenOf: (entry: number) => KeyToken
  readonly #tokens = new Map<number, KeyToken>()
  #first = 0
  #last = 0
  #lastFound = 0
  #lastToken: KeyToken | undefined = undefined

  /** `tokenOf` returns the outer token of an entry. */
  constructor(entries: CellEntries, tokenOf: (entry: number) => KeyToken) {
    this.#entries = entries
    this.#tokenOf = tokenOf
  }

  get bytes(): number {
    return this.#outers.bytes
  }

  /** The first of all outer tokens; 0 if there is none. */
  get first(): number {
    return this.#first
  }

  next(outer: number): number {
    return this.#outers.get(outer, nextWord)
  }

  /** The first entry of an outer token. */
  firstOf(outer: number): number {
    return this.#outers.get(outer, firstWord)
  }

  count(outer: number): number {
    return this.#outers.get(outer, countWord)
  }

  find(hash: number, token: KeyToken): number {
    if (this.#lastFound !== 0 && token === this.#lastToken) return this.#lastFound
    const outers = this.#outers
    for (let outer = outers.first(hash); outer !== 0; outer = outers.after(outer)) {
      if (outers.hash(outer) !== hash || !sameToken(this.token(outer), token)) continue
      this.#lastFound = outer
      this.#lastToken = token
      return outer
    }
    return 0
  }

  token(outer: number): KeyToken {
    const known = this.#tokens.get(outer)
    if (known !== undefined) return known
    const token = this.#tokenOf(this.firstOf(outer))
    this.#remember(outer, token)
    return token
  }

  /** Adds an outer token without entries, last in the order. */
  add(hash: number, token: KeyToken): number {
    const outer = this.#outers.add(hash)
    this.place(outer)
    this.#remember(outer, token)
    return outer
  }

  /** Adds an outer token that is not in the order yet. */
  prepare(hash: number): number {
    return this.#outers.add(hash)
  }

  /** The outer tokens with a hash. */
  *withHash(hash: number): Generator<number> {
    const outers = this.#outers
    for (let outer = outers.first(hash); outer !== 0; outer = outers.after(outer)) {
      if (outers.hash(outer) === hash) yield outer
    }
  }

  /** Makes a prepared outer token the last in the order. */
  place(outer: number): void {
    this.#outers.set(outer, previousWord, this.#last)
    if (this.#last === 0) this.#first = outer
    else this.#outers.set(this.#last, nextWord, outer)
    this.#last = outer
  }

  /** Adds an entry at the end of the list of an outer token. */
  append(outer: number, entry: number): void {
    const last = this.#outers.get(outer, lastWord)
    this.#entries.setPrevious(entry, last)
    this.#entries.setNext(entry, 0)
    if (last === 0) this.#outers.set(outer, firstWord, entry)
    else this.#entries.setNext(last, entry)
    this.#outers.set(outer, lastWord, entry)
    this.#outers.set(outer, countWord, this.count(outer) + 1)
  }

  /** Takes an entry out of the list. True if the outer token is empty, and removed. */
  unlink(outer: number, entry: number): boolean {
    const [previous, next] = [this.#entries.previous(entry), this.#entries.next(entry)]
    if (previous === 0) this.#outers.set(outer, firstWord, next)
    else this.#entries.setNext(previous, next)
    if (next === 0) this.#outers.set(outer, lastWord, previous)
    else this.#entries.setPrevious(next, previous)
    const count = this.count(outer) - 1
    this.#outers.set(outer, countWord, count)
    if (count > 0) return false
    this.remove(outer)
    return true
  }

  /** Removes an outer token; its entries keep their links. */
  remove(outer: number): void {
    const outers = this.#outers
    const [previous, next] = [outers.get(outer, previousWord), outers.get(outer, nextWord)]
    if (previous === 0) this.#first = next
    else outers.set(previous, nextWord, next)
    if (next === 0) this.#last = previous
    else outers.set(next, previousWord, previous)
    outers.remove(outer)
    this.#tokens.delete(outer)
    this.#lastFound = 0
  }

  #remember(outer: number, token: KeyToken): void {
    if (this.#tokens.size >= rememberedMax) this.#tokens.clear()
    this.#tokens.set(outer, token)
  }
}
