import type { Scheduler } from './system.ts'
import { waitRegistry } from './wait-registry.ts'

/** A message on an own channel is a browser's cheapest macrotask, because nested timers are delayed to 4 ms. */
function turnByMessage(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel()
  const waiting: (() => void)[] = []
  // Node's types leave out the property that starts the port.
  const inbox = port1 as { onmessage?: (() => void) | null }
  inbox.onmessage = () => waiting.shift()?.()
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve)
      port2.postMessage(null)
    })
}

function turnByImmediate(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** The fallback for hosts with neither. */
function turnByTimeout(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0)
  })
}

// Found out at the first turn and not before: an open port keeps some hosts alive, and others have none.
let turnOfHost = (): Promise<void> => {
  if (typeof setImmediate !== 'undefined') turnOfHost = turnByImmediate
  else turnOfHost = typeof MessageChannel === 'undefined' ? turnByTimeout : turnByMessage()
  return turnOfHost()
}

/**
 * Calls back after a turn of the host's event loop, also in a simulation. For tidying up, which has no effect that a
 * program or a simulation could observe.
 */
export function afterTurnOfHost(callback: () => void): void {
  if (typeof setImmediate === 'undefined') setTimeout(callback, 0)
  else setImmediate(callback)
}

/** The event loop of the host; in a simulation, the world, in which a turn lets every runnable task run. */
export const systemScheduler: Scheduler = {
  turn: () => waitRegistry?.system?.scheduler.turn() ?? turnOfHost(),
}

const settled: Promise<void> = Promise.resolve()

/**
 * A scheduler for tests: a turn is one microtask, without the event loop.
 *
 * The same program takes the same steps in the same order each time, and no I/O happens in between.
 */
export const microtaskScheduler: Scheduler = { turn: () => settled }
