import { systemScheduler } from '../src/world/scheduler.ts'

/** Lets everything settle that needs no timer and no I/O. */
export function settle(): Promise<void> {
  return systemScheduler.turn()
}

/** Whether a promise has settled once everything had the chance to. A rejection counts and is handled. */
export async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  const note = (): void => {
    isSettled = true
  }
  promise.then(note, note)
  await settle()
  return isSettled
}

/** Starts tasks and waits until all have ended. */
export async function together(...tasks: (() => Promise<unknown>)[]): Promise<void> {
  await Promise.all(tasks.map((task) => task()))
}

/** The integers from 0 up to, not including, `n`. */
export function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}
