import { onAbort } from './cancellation.ts'
import { overseer, waiting } from './overseer.ts'
import type { Waiter } from './wait-queue.ts'

/**
 * The promise of a waiter that stands in a line, or is about to.
 *
 * It is served, and its ending settles the promise; or the signal aborts, and it leaves the line and rejects with the
 * reason. Whatever takes it out of the line also lets go of the signal, so only one of the two can happen. The signal
 * must not have aborted.
 *
 * Stands for `waiting`, with `kind` and `on` as there, and costs no closure for each wait.
 */
export function promiseOf<Outcome>(
  waiter: Waiter,
  kind: string,
  on: object,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  if (signal !== undefined) leaveOnAbort(waiter, signal)
  if (overseer !== undefined) return overseenPromiseOf(waiter, kind, on)
  const promise = new Promise<Outcome>(capture)
  waiter.resolve = captured.resolve
  waiter.reject = captured.reject
  captured.resolve = nobody
  captured.reject = nobody
  return promise
}

// One executor for all promises: what it is handed is picked up before anything else runs.
const captured: { resolve: (outcome: unknown) => void; reject: (reason: Error) => void } = {
  resolve: nobody,
  reject: nobody,
}

function capture(resolve: (outcome: never) => void, reject: (reason: Error) => void): void {
  captured.resolve = resolve as (outcome: unknown) => void // Whoever serves the waiter knows what it waits for.
  captured.reject = reject
}

function nobody(): void {
  // Keeps no promise alive that was picked up.
}

// Apart from `promiseOf`: what a closure captures is allocated on entry, whether it is created or not.

function leaveOnAbort(waiter: Waiter, signal: AbortSignal): void {
  waiter.hook = onAbort(signal, (reason) => {
    waiter[Symbol.dispose]()
    waiter.reject(reason)
  })
}

function overseenPromiseOf<Outcome>(waiter: Waiter, kind: string, on: object): Promise<Outcome> {
  return waiting<Outcome>(kind, on, (resolve, reject) => {
    waiter.resolve = resolve as (outcome: unknown) => void
    waiter.reject = reject
  })
}
