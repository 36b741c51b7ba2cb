import { ByteReader, ByteWriter, MillraceError, type Codec } from '@millrace/core'
import { TransientTable } from '@millrace/core/operator'
import { tokenKey, type Cell, type KeyToken, type StateTable } from '@millrace/core/store'

/** One cell of a snapshot: its value as bytes. */
export interface SavedCell {
  readonly outer: KeyToken
  readonly inner: KeyToken
  readonly group: number
  readonly bytes: Uint8Array
}

/**
 * A table that detects values that were changed without a call of `changed`.
 *
 * Invariant between two calls of `check`: `#saved` has the bytes of every cell at the last `check` or, for a cell that
 * was never read, at the restore. A store detects changes only by `changed`, so an unannounced change would be lost at
 * a restart.
 */
export class WatchedTable<T> implements StateTable<T> {
  readonly name: string
  readonly #operator: string
  readonly #codec: Codec<T>
  readonly #table = new TransientTable<T>()
  readonly #writer = new ByteWriter()
  readonly #saved = new WeakMap<Cell<T>, Uint8Array>()
  readonly #handedOut = new Set<Cell<T>>()
  readonly #changed = new Set<Cell<T>>()

  constructor(operator: string, spec: { readonly name: string; readonly codec: Codec<T> }) {
    this.#operator = operator
    this.name = spec.name
    this.#codec = spec.codec
  }

  get size(): number {
    return this.#table.size
  }

  find(outer: KeyToken, inner: KeyToken): Cell<T> | undefined {
    const cell = this.#table.find(outer, inner)
    if (cell !== undefined) this.#handedOut.add(cell)
    return cell
  }

  create(outer: KeyToken, inner: KeyToken, group: number, value: T): Cell<T> {
    const cell = this.#table.create(outer, inner, group, value)
    this.#changed.add(cell)
    return cell
  }

  changed(cell: Cell<T>): void {
    this.#changed.add(cell)
  }

  delete(cell: Cell<T>): void {
    this.#forget(cell)
    this.#table.delete(cell)
  }

  deleteOuter(outer: KeyToken): void {
    for (const cell of this.#table.cells(outer)) this.#forget(cell)
    this.#table.deleteOuter(outer)
  }

  *cells(outer: KeyToken): Iterable<Cell<T>> {
    for (const cell of this.#table.cells(outer)) {
      this.#handedOut.add(cell)
      yield cell
    }
  }

  count(outer: KeyToken): number {
    return this.#table.count(outer)
  }

  outers(): Iterable<KeyToken> {
    return this.#table.outers()
  }

  /** Throws `STATE_MISUSED` if a value that was read has changed without a call of `changed`. */
  check(): void {
    for (const cell of this.#changed) this.#saved.set(cell, this.#encode(cell.value))
    for (const cell of this.#handedOut) {
      const before = this.#saved.get(cell)
      if (this.#changed.has(cell) || sameBytes(before, this.#encode(cell.value))) continue
      throw new MillraceError(
        'STATE_MISUSED',
        `operator '${this.#operator}' changed state '${this.name}' of key ${JSON.stringify(tokenKey(cell.inner))} in place and did not set it; call set with the value after changing it, or the change is lost at a restart`,
      )
    }
    this.#changed.clear()
    this.#handedOut.clear()
  }

  save(): readonly SavedCell[] {
    const cells: SavedCell[] = []
    for (const outer of this.#table.outers()) {
      for (const { inner, group, value } of this.#table.cells(outer)) {
        cells.push({ outer, inner, group, bytes: this.#encode(value) })
      }
    }
    return cells
  }

  restore(cells: readonly SavedCell[]): void {
    for (const { outer, inner, group, bytes } of cells) {
      const value = this.#codec.decode(new ByteReader(bytes), this.#codec.version)
      this.#saved.set(this.#table.create(outer, inner, group, value), bytes)
    }
  }

  #forget(cell: Cell<T>): void {
    this.#changed.delete(cell)
    this.#handedOut.delete(cell)
  }

  #encode(value: T): Uint8Array {
    this.#writer.reset()
    this.#codec.encode(value, this.#writer)
    return this.#writer.written().slice()
  }
}

/** Whether two values were written as the same bytes. */
export function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i])
}
