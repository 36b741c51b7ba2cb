const pageBits = 1024

/**
 * A set of numbers in the order of creation.
 *
 * A bit for each, in pages: long-lived cells were mostly created in sequence, and so were those left by a
 * burst of short-lived ones, so most pages are full.
 */
export class SeqSet {
  readonly #pages = new Map<number, Uint32Array>()
  #lastNumber = -1
  #lastPage: Uint32Array = new Uint32Array()

  /** Adds `seq`; false if it was already in the set. */
  add(seq: number): boolean {
    const number = Math.floor(seq / pageBits)
    if (number !== this.#lastNumber) this.#turn(number)
    const page = this.#lastPage
    const bit = seq % pageBits
    const word = page[bit >>> 5]!
    const mask = 1 << (bit & 31)
    if ((word & mask) !== 0) return false
    page[bit >>> 5] = word | mask
    return true
  }

  #turn(number: number): void {
    let page = this.#pages.get(number)
    if (page === undefined) {
      page = new Uint32Array(pageBits / 32)
      this.#pages.set(number, page)
    }
    this.#lastNumber = number
    this.#lastPage = page
  }
}
