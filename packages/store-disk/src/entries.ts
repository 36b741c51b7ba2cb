const pageBits = 9
const pageEntries = 1 << pageBits
const pageMask = pageEntries - 1
const pageHeads = 1024
/** How many entries share a bucket before buckets are added. */
const entriesPerBucket = 2

/** The words that every entry begins with; the others are the owner's. */
const hashWord = 0
const chainWord = 1
/** The first word of an entry that its owner may use. */
export const ownWords = 2

/**
 * Entries of a few 32-bit words each, found by a hash. They lie in pages of typed arrays, which the garbage collector does
 * not look into.
 *
 * A linear hash table (Litwin, 1980): with each entry that is added at most one bucket is divided, and memory grows by a
 * page. So no insertion takes long, however many entries there are.
 *
 * Entries have numbers from 1. The number of a removed entry is used again.
 *
 * Invariants between any two calls: each entry is in the chain of the bucket of its hash, and in no other; there are
 * `#base + #split` buckets, and those before `#split` and from `#base` on are chosen by one bit more of the hash.
 */
export class Entries {
  readonly #stride: number
  readonly #pages: Uint32Array[] = []
  readonly #heads: Uint32Array[] = [new Uint32Array(pageHeads)]
  #base = pageHeads
  #split = 0
  #size = 0
  /** The highest number that was given out. */
  #last = 0
  /** The first removed entry; each holds the next in its chain word. */
  #free = 0

  /** `words` is the number of words of the owner in each entry. */
  constructor(words: number) {
    this.#stride = ownWords + words
  }

  get size(): number {
    return this.#size
  }

  /** The highest number of any entry so far. */
  get last(): number {
    return this.#last
  }

  /** Bytes of its pages. */
  get bytes(): number {
    return 4 * (this.#pages.length * pageEntries * this.#stride + this.#heads.length * pageHeads)
  }

  /** The first entry that may have this hash; 0 if there is none. */
  first(hash: number): number {
    const bucket = this.#bucketOf(hash)
    return this.#heads[Math.floor(bucket / pageHeads)]![bucket % pageHeads]!
  }

  /** The entry to look at after `entry`; 0 if there is none. */
  after(entry: number): number {
    return this.get(entry, chainWord)
  }

  hash(entry: number): number {
    return this.get(entry, hashWord)
  }

  get(entry: number, word: number): number {
    return this.#pages[entry >>> pageBits]![(entry & pageMask) * this.#stride + word]!
  }

  set(entry: number, word: number, value: number): void {
    this.#pages[entry >>> pageBits]![(entry & pageMask) * this.#stride + word] = value
  }

  /** Adds an entry whose other words are 0, and returns its number. */
  add(hash: number): number {
    if (this.#size >= entriesPerBucket * (this.#base + this.#split)) this.#divide()
    const entry = this.#take()
    this.#size++
    this.set(entry, hashWord, hash)
    this.#link(entry, this.#bucketOf(hash))
    return entry
  }

  remove(entry: number): void {
    const bucket = this.#bucketOf(this.hash(entry))
    const after = this.after(entry)
    const heads = this.#heads[Math.floor(bucket / pageHeads)]!
    let at = heads[bucket % pageHeads]!
    if (at === entry) heads[bucket % pageHeads] = after
    else {
      while (this.after(at) !== entry) at = this.after(at)
      this.set(at, chainWord, after)
    }
    this.set(entry, chainWord, this.#free)
    this.#free = entry
    this.#size--
  }

  #take(): number {
    const entry = this.#free
    if (entry === 0) {
      const next = ++this.#last
      while (this.#pages.length <= next >>> pageBits)
        this.#pages.push(new Uint32Array(pageEntries * this.#stride))
      return next
    }
    this.#free = this.after(entry)
    const page = this.#pages[entry >>> pageBits]!
    const start = (entry & pageMask) * this.#stride
    page.fill(0, start, start + this.#stride)
    return entry
  }

  #bucketOf(hash: number): number {
    // The number of buckets is a power of two times the first page, so the low bits of the hash tell.
    const wide = hash & (2 * this.#base - 1)
    return wide < this.#base + this.#split ? wide : hash & (this.#base - 1)
  }

  #link(entry: number, bucket: number): void {
    const heads = this.#heads[Math.floor(bucket / pageHeads)]!
    this.set(entry, chainWord, heads[bucket % pageHeads]!)
    heads[bucket % pageHeads] = entry
  }

  /** Divides the next bucket in two. */
  #divide(): void {
    const bucket = this.#split
    const added = this.#base + bucket
    if (added % pageHeads === 0) this.#heads.push(new Uint32Array(pageHeads))
    const heads = this.#heads[Math.floor(bucket / pageHeads)]!
    let entry = heads[bucket % pageHeads]!
    heads[bucket % pageHeads] = 0
    if (++this.#split === this.#base) {
      this.#base *= 2
      this.#split = 0
    }
    while (entry !== 0) {
      const next = this.after(entry)
      this.#link(entry, this.#bucketOf(this.hash(entry)))
      entry = next
    }
  }
}
