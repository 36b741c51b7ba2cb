import { systemScheduler } from '@millrace/channels'

/** Lets everything settle that needs no timer and no other thread. */
function settle(): Promise<void> {
  return systemScheduler.turn()
}

/** Whether a promise has settled once everything in this thread had the chance to. */
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
