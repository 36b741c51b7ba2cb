import { assert } from '../errors/errors.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { ExpiringTable } from './expiring-table.ts'
import type { ListState, WriteOptions } from './handles.ts'
import type { KeyScope } from './keyed-handles.ts'
import { writeLife } from './write-life.ts'

/** A list per key whose elements expire one by one: the key's cells, one for each element. */
export class KeyedElements<T> implements ListState<T> {
  readonly #table: ExpiringTable<T>
  readonly #scope: KeyScope
  readonly #what: string
  /** The highest number of an element; cells of one key need different ones. */
  #last = 0

  constructor(table: ExpiringTable<T>, scope: KeyScope, name: string) {
    this.#table = table
    this.#scope = scope
    this.#what = `state '${name}'`
    table.whenRestored = ({ inner }) => {
      assert(typeof inner === 'number', 'elements are numbered')
      this.#last = Math.max(this.#last, inner)
    }
  }

  get(): readonly T[] {
    const values: T[] = []
    for (const cell of this.#table.cells(this.#scope.tokenFor(this.#what))) {
      this.#table.read(cell)
      values.push(cell.value)
    }
    return values
  }

  add(value: T, options?: WriteOptions): void {
    this.#create(value, writeLife(this.#table, options, this.#what))
  }

  set(values: readonly T[], options?: WriteOptions): void {
    const life = writeLife(this.#table, options, this.#what)
    this.clear()
    for (const value of values) this.#create(value, life)
  }

  clear(): void {
    this.#table.deleteOuter(this.#scope.tokenFor(this.#what))
  }

  /** The keys that have one. */
  keys(): Iterable<KeyToken> {
    return this.#table.outers()
  }

  #create(value: T, life: number | undefined): void {
    this.#table.create(this.#scope.tokenFor(this.#what), ++this.#last, this.#scope.group, value, life)
  }
}
