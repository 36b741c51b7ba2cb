import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import type { ReceiveChannel, SendChannel } from '../src/channel/channel-end.ts'
import { systemScheduler } from '@millrace/world'

/** Waits until everything has settled that needs no timer and no I/O. */
export function settle(): Promise<void> {
  return systemScheduler.turn()
}

/** Whether a promise has settled after everything had the chance to. A rejection counts and is handled. */
export async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  const note = (): void => {
    isSettled = true
  }
  promise.then(note, note)
  await settle()
  return isSettled
}

/** Checks when the test has ended that `signal` has no listener: the last one goes with the host's next turn. */
export function leavesNoListener(signal: AbortSignal): void {
  onTestFinished(async () => {
    await setImmediate()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
}

/** Starts tasks and waits until all have ended. */
export async function together(...tasks: (() => Promise<unknown>)[]): Promise<void> {
  await Promise.all(tasks.map((task) => task()))
}

/** The integers from 0 up to, not including, `n`. */
export function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}

/** Capacities at which a channel may behave differently. */
export const CAPACITIES: readonly number[] = [0, 1, 2, 10]

/** All values of a channel until it is closed. */
export async function drain<T>(channel: ReceiveChannel<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of channel) values.push(value)
  return values
}

/** Sends values one after the other. */
export async function sendAll<T>(channel: SendChannel<T>, values: readonly T[]): Promise<void> {
  for (const value of values) await channel.send(value)
}
