/// <reference lib="es2024.sharedmemory" />
import type { RingLock } from './ring-lock.ts'

/**
 * Lets a thread sleep on its event loop until another thread rings.
 *
 * Two words: the bell, which counts rings, and whether a thread sleeps. A thread that is about to sleep sets
 * its flag, then checks the condition once more; a thread that changes the condition then checks the flag. So
 * at least one of them sees the other, and no ring is lost.
 *
 * A ring clears the flag, so in a burst of changes only the first one rings.
 *
 * A sleeping thread costs nothing: no timer, no polling. Sleeping does not keep a thread alive; see
 * `holdThread`.
 */
export class Doorbell {
  readonly #words: Int32Array
  readonly #bell: number
  readonly #asleep: number
  readonly #isDue: () => boolean
  readonly #wake: () => void
  #isSet = false

  /** Calls `wake`, never synchronously, when `isDue` may be true. */
  constructor(
    words: Int32Array,
    bell: number,
    asleep: number,
    { isDue, wake }: { readonly isDue: () => boolean; readonly wake: () => void },
  ) {
    this.#words = words
    this.#bell = bell
    this.#asleep = asleep
    this.#isDue = isDue
    this.#wake = wake
  }

  /** Requests one call of `wake`. Repeated requests before the call have no effect. */
  set(): void {
    if (this.#isSet) return
    this.#isSet = true
    const rings = Atomics.load(this.#words, this.#bell)
    Atomics.store(this.#words, this.#asleep, 1)
    if (this.#isDue()) queueMicrotask(this.#ring)
    else this.#sleep(this.#bell, rings)
  }

  /** Requests one call of `wake` after a lock was released. */
  setOnLock(lock: RingLock): void {
    if (this.#isSet) return
    this.#isSet = true
    const held = lock.awaitRelease()
    if (held === 0) queueMicrotask(this.#ring)
    else this.#sleep(lock.word, held)
  }

  #sleep(word: number, value: number): void {
    const wait = Atomics.waitAsync(this.#words, word, value)
    if (wait.async) void wait.value.then(this.#ring)
    else queueMicrotask(this.#ring)
  }

  readonly #ring = (): void => {
    this.#isSet = false
    this.#wake()
  }
}

/** Wakes every thread that sleeps on a bell. */
export function ringBell(words: Int32Array, bell: number, asleep: number): void {
  if (Atomics.load(words, asleep) === 0) return
  Atomics.store(words, asleep, 0)
  Atomics.add(words, bell, 1)
  Atomics.notify(words, bell)
}
