import type { ConnectorContext } from '@millrace/core/connector'

/**
 * Waits `delayMs` on the clock, or until the signal aborts; check the signal to know which. `offer` gets a function that
 * ends the wait early.
 */
export function pause(
  clock: ConnectorContext['clock'],
  delayMs: number,
  signal: AbortSignal,
  offer?: (end: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const done = (): void => {
      timer[Symbol.dispose]()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.schedule(delayMs, done)
    signal.addEventListener('abort', done, { once: true })
    offer?.(done)
  })
}
