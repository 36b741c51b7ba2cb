import type { MemoryCell } from './memory-cell.ts'

const chunkCells = 4096

/**
 * Cells that a snapshot is to write, in the order they became dirty.
 *
 * Chunks instead of one array: an array that grows to a million entries stops the loop each time it is
 * copied. Cells that were made and deleted since the last freeze have nothing to write; when they are
 * most of the list, every new chunk clears two old ones of them, so short-lived cells do not pile up.
 */
export class DirtyList<T> {
  /** The last one is `#tail`, and no other is empty. */
  readonly #chunks: MemoryCell<T>[][]
  #tail: MemoryCell<T>[] = []
  /** Where the oldest entry stands in the first chunk. */
  #taken = 0
  /** How many entries are known to have nothing to write. */
  #withered = 0
  /** The chunk that is cleared next. */
  #clearing = 0
  #length = 0

  constructor() {
    this.#chunks = [this.#tail]
  }

  push(cell: MemoryCell<T>): void {
    if (this.#tail.length === chunkCells) this.#grow()
    this.#tail.push(cell)
    this.#length++
  }

  /** The oldest entry; undefined when there is none. */
  first(): MemoryCell<T> | undefined {
    return this.#chunks[0]![this.#taken]
  }

  /** Takes the oldest entry off the list. */
  removeFirst(): void {
    const chunk = this.#chunks[0]!
    this.#length--
    if (++this.#taken < chunk.length) return
    this.#taken = 0
    if (this.#chunks.length > 1) this.#chunks.shift()
    else chunk.length = 0
  }

  /** Puts the entries of `later` behind its own. `later` must not be used afterwards. */
  append(later: DirtyList<T>): void {
    if (later.#length === 0) return
    if (this.#length === 0) this.#chunks.length = 0
    this.#chunks.push(...later.#chunks)
    this.#tail = later.#tail
    this.#withered += later.#withered
    this.#length += later.#length
  }

  /** Says that an entry, wherever it stands, has nothing to write any more. */
  wither(): void {
    this.#withered++
  }

  /** How many entries there are, those with nothing to write included. */
  get length(): number {
    return this.#length
  }

  #grow(): void {
    if (this.#withered * 2 > this.#length) {
      this.#clear()
      this.#clear()
    }
    // The old tail may just have been cleared; the new one keeps the row from being empty.
    this.#tail = []
    this.#chunks.push(this.#tail)
  }

  /** Takes entries with nothing to write out of one chunk, and puts what is left to the chunk before if it fits. */
  #clear(): void {
    if (this.#clearing >= this.#chunks.length) this.#clearing = 0
    const chunk = this.#chunks[this.#clearing]
    if (chunk === undefined) return
    const kept = chunk.filter((cell) => !cell.isDead || cell.segment !== undefined)
    const cleared = chunk.length - kept.length
    this.#withered -= cleared
    this.#length -= cleared
    const before = this.#chunks[this.#clearing - 1] ?? []
    if (kept.length === 0 || (this.#clearing > 0 && before.length + kept.length <= chunkCells)) {
      before.push(...kept)
      this.#chunks.splice(this.#clearing, 1)
    } else {
      this.#chunks[this.#clearing++] = kept
    }
  }
}
