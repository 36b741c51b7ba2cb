/// <reference lib="es2024.sharedmemory" />
import { systemScheduler } from '@millrace/world'
import { expect } from 'vitest'
import type { ChannelBrokenError } from '../src/ring/broken-channel-error.ts'

/** Waits until everything has settled that needs no timer and no other thread. */
function settle(): Promise<void> {
  return systemScheduler.turn()
}

/** Whether a promise has settled after everything in this thread had the chance to. */
export async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  const note = (): void => {
    isSettled = true
  }
  promise.then(note, note)
  await settle()
  return isSettled
}

/** The integers from 0 up to, not including, `n`. */
export function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}

/** A word of shared memory with which a worker reports its progress. */
export function gate(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4))
}

/** Waits until a worker has passed the gate `times` times. */
export async function passed(word: Int32Array, times = 1): Promise<void> {
  for (let seen = Atomics.load(word, 0); seen < times; seen = Atomics.load(word, 0)) {
    const wait = Atomics.waitAsync(word, 0, seen)
    if (wait.async) await wait.value
  }
}

/** Expects a promise to reject, and handles its rejection from now on. */
export async function refused(
  promise: Promise<unknown>,
  error: string | RegExp | typeof ChannelBrokenError,
): Promise<void> {
  await expect(promise).rejects.toThrow(error)
}
