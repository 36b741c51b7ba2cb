import { requireClock, requireDelay, requireFunction, requireSignal } from './argument.ts'
import { onAbort } from './cancellation.ts'
import type { Clock } from './system.ts'
import { waitRegistry, waiting } from './wait-registry.ts'

/** The longest delay the host's timers accept; a longer one would fire after 1 ms. */
const HOST_DELAY_MAX_MS = 2 ** 31 - 1

class SystemTimer implements Disposable {
  readonly #deadlineMs: number
  readonly #callback: () => void
  #handle: ReturnType<typeof setTimeout>

  constructor(delayMs: number, callback: () => void) {
    this.#deadlineMs = performance.now() + delayMs
    this.#callback = callback
    this.#handle = this.#arm(delayMs)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#handle)
  }

  // Rounded up because hosts cut fractions off.
  #arm(remainingMs: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#fire(), Math.min(Math.max(Math.ceil(remainingMs), 0), HOST_DELAY_MAX_MS))
  }

  // The host may fire early: by a fraction of a millisecond, because its loop counts whole ones, or by
  // days, because the delay was longer than it accepts. Both are the same case here.
  #fire(): void {
    const remainingMs = this.#deadlineMs - performance.now()
    if (remainingMs > 0) this.#handle = this.#arm(remainingMs)
    else this.#callback()
  }
}

/** The handle of a timer that never fires. */
const noTimer: Disposable = { [Symbol.dispose]: () => undefined }

/** The clock of the machine; in a simulation, that of the world. A pending timer keeps the process alive. */
export const systemClock: Clock = {
  now: () => waitRegistry?.system?.clock.now() ?? Date.now(),
  monotonic: () => waitRegistry?.system?.clock.monotonic() ?? performance.now(),
  schedule(delayMs, callback) {
    const simulated = waitRegistry?.system
    if (simulated !== undefined) return simulated.clock.schedule(delayMs, callback)
    requireDelay('schedule', 'delayMs', delayMs)
    requireFunction('schedule', 'the callback', callback)
    if (delayMs === Infinity) return noTimer
    return new SystemTimer(delayMs, callback)
  },
}

/**
 * Waits `delayMs` milliseconds of monotonic time on `clock`.
 *
 * Rejects with the signal's reason when it aborts first, and leaves no timer behind then. A delay of zero
 * or less settles at the clock's next chance to fire.
 *
 * @throws RangeError (by rejecting) when `delayMs` is not a number; TypeError when `clock` is no clock.
 *
 * @example
 * await sleep(systemClock, 20) // => undefined, at least 20 ms later
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return waiting('sleep', clock, (resolve, reject) => {
    requireClock('sleep', clock)
    requireDelay('sleep', 'delayMs', delayMs)
    if (signal !== undefined) requireSignal('sleep', signal)
    signal?.throwIfAborted()
    const timer = clock.schedule(delayMs, () => {
      hook?.[Symbol.dispose]()
      resolve()
    })
    const hook =
      signal &&
      onAbort(signal, (reason) => {
        timer[Symbol.dispose]()
        reject(reason)
      })
  })
}
