const empty = -1
const removed = -2

/**
 * Finds numbers by hashes of 32 bits, in 12 bytes for each place: an open table in typed arrays. Several numbers may have the same
 * hash; the caller compares what they stand for.
 */
export class HashIndex {
  #hashes = new Int32Array(16)
  /** The numbers, from 0 to 2^53-1. */
  #numbers = new Float64Array(16).fill(empty)
  #size = 0
  /** How many places are not empty, removed ones among them. */
  #used = 0

  get size(): number {
    return this.#size
  }

  add(hash: number, number: number): void {
    if ((this.#used + 1) * 2 > this.#numbers.length) this.#rebuild()
    this.#put(hash, number)
    this.#size++
    this.#used++
  }

  /** The first number with the hash that `isWanted` says yes to; undefined if there is none. */
  find(hash: number, isWanted: (number: number) => boolean): number | undefined {
    const place = this.#placeOf(hash, isWanted)
    return place === undefined ? undefined : this.#numbers[place]
  }

  /** Removes a number that is there. */
  remove(hash: number, number: number): void {
    const place = this.#placeOf(hash, (other) => other === number)
    if (place === undefined) return
    this.#numbers[place] = removed
    this.#size--
  }

  #placeOf(hash: number, isWanted: (number: number) => boolean): number | undefined {
    const [hashes, numbers] = [this.#hashes, this.#numbers]
    const mask = numbers.length - 1
    for (let place = this.#startOf(hash); ; place = (place + 1) & mask) {
      const number = numbers[place]!
      if (number === empty) return undefined
      if (hashes[place] === hash && number !== removed && isWanted(number)) return place
    }
  }

  /** Key groups take the low bits of a hash, so all hashes here may have those in common. */
  #startOf(hash: number): number {
    return Math.imul(hash, 0x9e37_79b1) >>> (Math.clz32(this.#numbers.length) + 1)
  }

  #put(hash: number, number: number): void {
    const mask = this.#numbers.length - 1
    let place = this.#startOf(hash)
    while (this.#numbers[place] !== empty) place = (place + 1) & mask
    this.#hashes[place] = hash
    this.#numbers[place] = number
  }

  /** Leaves out the removed places, and makes room for as many numbers again. */
  #rebuild(): void {
    const [hashes, numbers] = [this.#hashes, this.#numbers]
    let length = 16
    while (length < (this.#size + 1) * 3) length *= 2
    this.#hashes = new Int32Array(length)
    this.#numbers = new Float64Array(length).fill(empty)
    this.#used = this.#size
    for (let place = 0; place < numbers.length; place++) {
      if (numbers[place]! >= 0) this.#put(hashes[place]!, numbers[place]!)
    }
  }
}
