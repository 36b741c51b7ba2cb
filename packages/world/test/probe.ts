import { systemScheduler } from '../src/scheduler.ts'

/** Whether a promise has settled once everything had the chance to. A rejection counts and is handled. */
export async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  const note = (): void => {
    isSettled = true
  }
  promise.then(note, note)
  await systemScheduler.turn()
  return isSettled
}

/** The integers from 0 up to, not including, `n`. */
export function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}
