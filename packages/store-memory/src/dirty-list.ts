import type { MemoryCell } from './memory-cell.ts'

const chunkCells = 4096

/**
 * Cells that a snapshot must write, in the order they became dirty.
 *
 * Chunks instead of one array: a growing array of a million entries blocks the event loop each time it is
 * copied. Cells that were created and deleted since the last freeze have nothing to write; when they are most
 * of the list, every new chunk clears two old ones of them, so short-lived cells do not accumulate.
 */
export class DirtyList<T> {
  /** The last one is `#tail`, and no other is empty. */
  readonly #chunks: MemoryCell<T>[][]
  #tail: MemoryCell<T>[] = []
  /** The index of the oldest entry in the first chunk. */
  #taken = 0
  /** Number of entries known to have nothing to write. */
  #withered = 0
  /** The next chunk to clear. */
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

  /** Appends the entries of `later`, which must not be used afterwards. */
  append(later: DirtyList<T>): void {
    if (later.#length === 0) return
    if (this.#length === 0) this.#chunks.length = 0
    this.#chunks.push(...later.#chunks)
    this.#tail = later.#tail
    this.#withered += later.#withered
    this.#length += later.#length
  }

  /** Records that an entry has nothing to write any more. */
  wither(): void {
    this.#withered++
  }

  /** Number of entries, including those with nothing to write. */
  get length(): number {
    return this.#length
  }

  #grow(): void {
    if (this.#withered * 2 > this.#length) {
      this.#clear()
      this.#clear()
    }
    // The old tail may just have been cleared; the new one keeps the list of chunks from being empty.
    this.#tail = []
    this.#chunks.push(this.#tail)
  }

  /**
   * Removes entries with nothing to write from one chunk, and merges the rest into the previous chunk if it
   * fits.
   */
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
