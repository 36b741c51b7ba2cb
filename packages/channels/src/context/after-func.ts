import { requireFunction } from '@millrace/world'
import { onEnd } from './context.ts'
import type { Context } from './context.ts'
import { requireContext } from './layer.ts'

const settled: Promise<void> = Promise.resolve()

/**
 * Runs `task` once after `context` has ended; at once if it has already ended.
 *
 * Never synchronously: neither during this call, nor during the call that ends the context. No caller awaits
 * the task, so its error is an unhandled rejection.
 *
 * Returns a function that stops it. That returns true if it did, and false when the task was already stopped
 * or about to run.
 *
 * @throws TypeError when `context` is not a context, or `task` not a function.
 *
 * @example
 * const stop = afterFunc(ctx, () => socket.destroy())
 * await exchange(socket)
 * stop() // => true
 */
export function afterFunc(context: Context, task: () => void | Promise<void>): () => boolean {
  requireContext(context, 'afterFunc', 'the context')
  requireFunction('afterFunc', 'the task', task)
  const run = (): void => void settled.then(task)
  if (context.error !== undefined) {
    run()
    return () => false
  }
  let isWaiting = true
  const hook = onEnd(context, () => {
    if (!isWaiting) return
    isWaiting = false
    run()
  })
  return () => {
    const isCalledOff = isWaiting
    isWaiting = false
    hook[Symbol.dispose]()
    return isCalledOff
  }
}
