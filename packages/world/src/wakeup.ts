import { passing, waiting } from './wait-registry.ts'

const settled: Promise<void> = Promise.resolve()

/**
 * Wakes one waiting task, and remembers a wake that comes before the wait.
 *
 * Level-triggered: any number of wakes before a wait count as one, and that wait settles at once. A woken task must
 * check what has changed; the wake itself carries no information.
 *
 * Invariants between any two calls: a task waits or a wake is remembered, never both.
 *
 * @example
 * const wakeup = new Wakeup()
 * wakeup.wake()
 * wakeup.wake()
 * await wakeup.wait() // => undefined, at once; the next wait waits
 */
export class Wakeup {
  #isAwake = false
  #resolve: (() => void) | undefined

  /**
   * Waits for the next wake. Allocates nothing when there was one already.
   *
   * @throws Error (by rejecting) when another task is waiting.
   */
  wait(): Promise<void> {
    if (this.#isAwake) {
      this.#isAwake = false
      return passing('Wakeup.wait', this, settled)
    }
    if (this.#resolve !== undefined) {
      return Promise.reject(new Error('Wakeup.wait: another task is waiting; give each task its own Wakeup'))
    }
    return this.#sleep()
  }

  /** Wakes the waiting task, or the next one to wait. */
  wake(): void {
    const resolve = this.#resolve
    if (resolve === undefined) {
      this.#isAwake = true
      return
    }
    this.#resolve = undefined
    resolve()
  }

  // Apart from `wait`: what a closure captures is allocated on entry, whether it is created or not.
  #sleep(): Promise<void> {
    return waiting('Wakeup.wait', this, (resolve) => {
      this.#resolve = resolve
    })
  }
}
