/// <reference lib="es2024.sharedmemory" />
import type { RingLock } from './ring-lock.ts'

/**
 * Sleeping until another thread rings, on the event loop.
 *
 * Two words: the bell, which counts its rings, and whether anybody sleeps. Who wants to sleep says so first and looks
 * at the world once more; who changes the world looks afterwards whether anybody sleeps. So one of the two sees the
 * other, and no ring is lost.
 *
 * A ring takes back the note that someone sleeps. However many records a burst has, only its first one rings.
 *
 * A sleeping thread costs nothing: no timer, no polling. Nor does sleep keep a thread alive; see `holdThread`.
 */
export class Doorbell {
  readonly #words: Int32Array
  readonly #bell: number
  readonly #asleep: number
  readonly #isDue: () => boolean
  readonly #wake: () => void
  #isSet = false

  /** Calls `wake`, never at once, when `isDue` may hold. Both see the world as this thread does. */
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

  /** Asks for one call of `wake`. Asking again before that changes nothing. */
  set(): void {
    if (this.#isSet) return
    this.#isSet = true
    const rings = Atomics.load(this.#words, this.#bell)
    Atomics.store(this.#words, this.#asleep, 1)
    if (this.#isDue()) queueMicrotask(this.#ring)
    else this.#sleep(this.#bell, rings)
  }

  /** Asks for one call of `wake` after a lock has been released. */
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

/** Wakes everyone who sleeps on a bell. */
export function ringBell(words: Int32Array, bell: number, asleep: number): void {
  if (Atomics.load(words, asleep) === 0) return
  Atomics.store(words, asleep, 0)
  Atomics.add(words, bell, 1)
  Atomics.notify(words, bell)
}
