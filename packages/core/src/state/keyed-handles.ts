import { MillraceError } from '../errors/errors.ts'
import { keyGroup } from '../record/key-group.ts'
import { keyToken, tokenKey, type KeyToken } from '../record/key-token.ts'
import type { Key } from '../record/key.ts'
import type { ExpiringTable } from './expiring-table.ts'
import type { ListState, MapState, ValueState, WriteOptions } from './handles.ts'
import type { Cell, StateTable } from './state-store.ts'
import { changedFor, writeLife } from './write-life.ts'

/** The current key of an operator's subtask, shared by all its handles. */
export class KeyScope {
  readonly #operator: string
  readonly #keyGroups: number
  #token: KeyToken | undefined
  /** Undefined: not decoded yet. */
  #key: Key | undefined
  /** -1: not computed yet. Only a new cell needs it. */
  #group = -1

  constructor(operator: string, keyGroups: number) {
    this.#operator = operator
    this.#keyGroups = keyGroups
  }

  /** Enters the key of a record. Throws `KEY_INVALID`, and is then outside any key. */
  set(key: Key): void {
    this.#token = undefined
    this.#token = keyToken(key)
    this.#key = key
    this.#group = -1
  }

  /** Enters the key of a cell. */
  setToken(token: KeyToken, group: number): void {
    this.#token = token
    this.#key = undefined
    this.#group = group
  }

  /** Leaves the key: from now on handles throw. */
  clear(): void {
    this.#token = undefined
    this.#key = undefined
    this.#group = -1
  }

  /** Whether there is a current key. */
  get isInKey(): boolean {
    return this.#token !== undefined
  }

  get token(): KeyToken {
    return this.tokenFor('keyed state or a timer')
  }

  get key(): Key {
    const { token } = this
    this.#key ??= tokenKey(token)
    return this.#key
  }

  get group(): number {
    if (this.#group < 0) this.#group = keyGroup(this.token, this.#keyGroups)
    return this.#group
  }

  /** The token of the current key. Throws `STATE_MISUSED`, naming the caller, if there is none. */
  tokenFor(what: string): KeyToken {
    if (this.#token === undefined) throw this.#misused(what)
    return this.#token
  }

  #misused(what: string): MillraceError {
    return new MillraceError(
      'STATE_MISUSED',
      `operator '${this.#operator}' used ${what} where there is no current key; use it in process or onTimer of a keyed operator`,
    )
  }
}

/** Values that are stored by their key alone. */
const oneOuter = 0

/** A value per key: one cell. */
export class KeyedValue<T> implements ValueState<T> {
  readonly #table: StateTable<T>
  readonly #scope: KeyScope
  readonly #what: string

  constructor(table: StateTable<T>, scope: KeyScope, name: string) {
    this.#table = table
    this.#scope = scope
    this.#what = `state '${name}'`
  }

  get(): T | undefined {
    return this.#table.find(oneOuter, this.#scope.tokenFor(this.#what))?.value
  }

  set(value: T, options?: WriteOptions): void {
    const life = writeLife(this.#table, options, this.#what)
    if (value === undefined) return this.clear()
    const token = this.#scope.tokenFor(this.#what)
    const cell = this.#table.find(oneOuter, token)
    if (cell === undefined) {
      const { group } = this.#scope
      if (life === undefined) this.#table.create(oneOuter, token, group, value)
      else (this.#table as ExpiringTable<T>).create(oneOuter, token, group, value, life)
    } else {
      cell.value = value
      changedFor(this.#table, cell, life)
    }
  }

  clear(): void {
    const cell = this.#table.find(oneOuter, this.#scope.tokenFor(this.#what))
    if (cell !== undefined) this.#table.delete(cell)
  }

  /** The keys that have one. */
  *keys(): Generator<KeyToken> {
    for (const { inner } of this.#table.cells(oneOuter)) yield inner
  }
}

const emptyList: readonly never[] = Object.freeze([])

/**
 * A list per key: one cell with the array. An empty list has no cell.
 *
 * Invariant: an array that `get` has returned is never changed, because it may have been emitted. Adding to
 * such a list copies it once; adding to one that was not returned since is a push.
 */
export class KeyedList<T> implements ListState<T> {
  readonly #table: StateTable<T[]>
  readonly #scope: KeyScope
  readonly #what: string
  readonly #handedOut = new WeakSet<readonly T[]>()

  constructor(table: StateTable<T[]>, scope: KeyScope, name: string) {
    this.#table = table
    this.#scope = scope
    this.#what = `state '${name}'`
  }

  get(): readonly T[] {
    const cell = this.#table.find(oneOuter, this.#scope.tokenFor(this.#what))
    if (cell === undefined) return emptyList
    this.#handedOut.add(cell.value)
    return cell.value
  }

  add(value: T, options?: WriteOptions): void {
    writeLife(this.#table, options, this.#what)
    const token = this.#scope.tokenFor(this.#what)
    const cell = this.#table.find(oneOuter, token)
    if (cell === undefined) {
      this.#table.create(oneOuter, token, this.#scope.group, [value])
      return
    }
    if (this.#handedOut.has(cell.value)) cell.value = cell.value.concat([value])
    else cell.value.push(value)
    this.#table.changed(cell)
  }

  set(values: readonly T[], options?: WriteOptions): void {
    writeLife(this.#table, options, this.#what)
    if (values.length === 0) return this.clear()
    const token = this.#scope.tokenFor(this.#what)
    const cell = this.#table.find(oneOuter, token)
    if (cell === undefined) {
      this.#table.create(oneOuter, token, this.#scope.group, [...values])
    } else {
      cell.value = [...values]
      this.#table.changed(cell)
    }
  }

  clear(): void {
    const cell = this.#table.find(oneOuter, this.#scope.tokenFor(this.#what))
    if (cell !== undefined) this.#table.delete(cell)
  }

  /** The keys that have one. */
  *keys(): Generator<KeyToken> {
    for (const { inner } of this.#table.cells(oneOuter)) yield inner
  }
}

/** A map per key: the key's cells, one for each entry. */
export class KeyedMap<K extends Key, V> implements MapState<K, V> {
  readonly #table: StateTable<V>
  readonly #scope: KeyScope
  readonly #what: string
  readonly #read: ((cell: Cell<V>) => void) | undefined

  /** `read` is called for each entry that an iteration returns. */
  constructor(table: StateTable<V>, scope: KeyScope, name: string, read?: (cell: Cell<V>) => void) {
    this.#table = table
    this.#scope = scope
    this.#what = `state '${name}'`
    this.#read = read
  }

  get size(): number {
    return this.#table.count(this.#scope.tokenFor(this.#what))
  }

  get(name: K): V | undefined {
    return this.#table.find(this.#scope.tokenFor(this.#what), keyToken(name))?.value
  }

  has(name: K): boolean {
    return this.#table.find(this.#scope.tokenFor(this.#what), keyToken(name)) !== undefined
  }

  set(name: K, value: V, options?: WriteOptions): void {
    const life = writeLife(this.#table, options, this.#what)
    const outer = this.#scope.tokenFor(this.#what)
    const inner = keyToken(name)
    const cell = this.#table.find(outer, inner)
    if (cell === undefined) {
      const { group } = this.#scope
      if (life === undefined) this.#table.create(outer, inner, group, value)
      else (this.#table as ExpiringTable<V>).create(outer, inner, group, value, life)
    } else {
      cell.value = value
      changedFor(this.#table, cell, life)
    }
  }

  delete(name: K): void {
    const cell = this.#table.find(this.#scope.tokenFor(this.#what), keyToken(name))
    if (cell !== undefined) this.#table.delete(cell)
  }

  entries(): IterableIterator<[K, V]> {
    // The key is that of the call, not of the first step of the iteration.
    return this.#entries(this.#scope.tokenFor(this.#what))
  }

  clear(): void {
    this.#table.deleteOuter(this.#scope.tokenFor(this.#what))
  }

  /** The keys that have one. */
  keys(): Iterable<KeyToken> {
    return this.#table.outers()
  }

  *#entries(outer: KeyToken): IterableIterator<[K, V]> {
    for (const cell of this.#table.cells(outer)) {
      this.#read?.(cell)
      yield [tokenKey(cell.inner) as K, cell.value]
    }
  }
}
