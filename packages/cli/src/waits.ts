import { sleep, type Clock } from '@millrace/world'

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

/** The value of `promise`, or undefined if it takes longer. */
export async function within<T>(clock: Clock, ms: number, promise: T | Promise<T>): Promise<T | undefined> {
  const waiting = new AbortController()
  const late = sleep(clock, ms, waiting.signal).catch(() => undefined) as Promise<undefined>
  try {
    return await Promise.race([promise, late])
  } finally {
    waiting.abort()
  }
}

/** Calls `act` at intervals until it is disposed. */
export function everySoOften(clock: Clock, ms: number, act: () => void): Disposable {
  let timer: Disposable
  const tick = (): void => {
    act()
    timer = clock.schedule(ms, tick)
  }
  timer = clock.schedule(ms, tick)
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
}
