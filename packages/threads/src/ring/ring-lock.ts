/**
 * A lock between threads for a few dozen nanoseconds at a time: one word of shared memory.
 *
 * The word is 0 while the lock is free. Otherwise it names the thread that holds it, so that when that thread dies
 * everybody can tell; its lowest bit says that someone sleeps until it is released.
 *
 * Nobody waits for long. A holder that has not let go after a tenth of a second has been stopped or is dead, and
 * `acquire` gives up: the caller must return to its event loop, on which the news of a death arrives.
 */

/** A holder needs well under a microsecond; one that the system has put aside needs milliseconds. */
const SPINS = 200
const NAP_MS = 10
const NAPS = 10

/** The lock of one side of a ring, as one thread sees it. */
export class RingLock {
  readonly #words: Int32Array
  /** The number of its word. */
  readonly word: number
  readonly #held: number

  constructor(words: Int32Array, word: number, thread: number) {
    this.#words = words
    this.word = word
    this.#held = (thread + 1) * 2
  }

  /**
   * Takes the lock, or returns false when its holder keeps it for an unreasonable time.
   *
   * @throws Error when this thread holds it already: a codec has used the channel that called it.
   */
  acquire(): boolean {
    return Atomics.compareExchange(this.#words, this.word, 0, this.#held) === 0 || this.#acquireHeld()
  }

  /** Takes the lock if it is free. */
  tryAcquire(): boolean {
    return Atomics.compareExchange(this.#words, this.word, 0, this.#held) === 0
  }

  /** Lets go of the lock, and wakes those who sleep for it. */
  release(): void {
    const held = Atomics.exchange(this.#words, this.word, 0)
    if ((held & 1) === 1) Atomics.notify(this.#words, this.word)
  }

  /**
   * Asks the holder to notify the word when it lets go. Returns what the word holds until then, or 0 when the lock is
   * free or has just changed hands.
   */
  awaitRelease(): number {
    const held = Atomics.load(this.#words, this.word)
    if (held === 0) return 0
    return Atomics.compareExchange(this.#words, this.word, held, held | 1) === held ? held | 1 : 0
  }

  /** Whether a thread holds the lock. */
  isHeldBy(thread: number): boolean {
    return Atomics.load(this.#words, this.word) >> 1 === thread + 1
  }

  /** Frees a lock whose holder is dead. */
  wrest(): void {
    Atomics.store(this.#words, this.word, 0)
    Atomics.notify(this.#words, this.word)
  }

  #acquireHeld(): boolean {
    if (Atomics.load(this.#words, this.word) >> 1 === this.#held >> 1) {
      throw new Error(
        'a codec used the channel that it encodes or decodes for; make it depend on its value only',
      )
    }
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(this.#words, this.word) === 0 && this.tryAcquire()) return true
    }
    for (let nap = 0; nap < NAPS; nap++) {
      const held = Atomics.load(this.#words, this.word)
      // Taken as if others slept, for they may: a notification that nobody hears costs less than one not given.
      if (held === 0) {
        if (Atomics.compareExchange(this.#words, this.word, 0, this.#held | 1) === 0) return true
      } else if (Atomics.compareExchange(this.#words, this.word, held, held | 1) === held) {
        Atomics.wait(this.#words, this.word, held | 1, NAP_MS)
      }
    }
    return false
  }
}
