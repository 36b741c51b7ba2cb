/**
 * A lock between threads for very short critical sections: one word of shared memory.
 *
 * The word is 0 while the lock is free. Otherwise it contains the id of the owner, so other threads can
 * release the lock if the owner dies; its lowest bit says that a thread sleeps until the release.
 *
 * Waits are short. An owner that holds the lock for a tenth of a second is suspended or dead, and `acquire`
 * returns false: the caller must return to its event loop, where it is notified of deaths.
 */

/** An owner needs well under a microsecond; milliseconds if the system suspends it. */
const SPINS = 200
const NAP_MS = 10
const NAPS = 10

/** The lock of one side of a ring, used by one thread. */
export class RingLock {
  readonly #words: Int32Array
  /** The offset of its word. */
  readonly word: number
  readonly #held: number

  constructor(words: Int32Array, word: number, thread: number) {
    this.#words = words
    this.word = word
    this.#held = (thread + 1) * 2
  }

  /**
   * Acquires the lock, or returns false when its owner holds it for too long.
   *
   * @throws Error when this thread already holds it: a codec has used the channel that called it.
   */
  acquire(): boolean {
    return Atomics.compareExchange(this.#words, this.word, 0, this.#held) === 0 || this.#acquireHeld()
  }

  /** Takes the lock if it is free. */
  tryAcquire(): boolean {
    return Atomics.compareExchange(this.#words, this.word, 0, this.#held) === 0
  }

  /** Releases the lock, and wakes the threads that sleep for it. */
  release(): void {
    const held = Atomics.exchange(this.#words, this.word, 0)
    if ((held & 1) === 1) Atomics.notify(this.#words, this.word)
  }

  /**
   * Asks the owner to notify on release. Returns the value of the word until then, or 0 when the lock is free
   * or has just changed owners.
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

  /** Releases a lock whose owner is dead. */
  wrest(): void {
    Atomics.store(this.#words, this.word, 0)
    Atomics.notify(this.#words, this.word)
  }

  #acquireHeld(): boolean {
    if (Atomics.load(this.#words, this.word) >> 1 === this.#held >> 1) {
      throw new Error('a codec used the channel that called it; a codec must use only its arguments')
    }
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(this.#words, this.word) === 0 && this.tryAcquire()) return true
    }
    for (let nap = 0; nap < NAPS; nap++) {
      const held = Atomics.load(this.#words, this.word)
      // Assume that others sleep: an unnecessary notification is cheaper than a missing one.
      if (held === 0) {
        if (Atomics.compareExchange(this.#words, this.word, 0, this.#held | 1) === 0) return true
      } else if (Atomics.compareExchange(this.#words, this.word, held, held | 1) === held) {
        Atomics.wait(this.#words, this.word, held | 1, NAP_MS)
      }
    }
    return false
  }
}
