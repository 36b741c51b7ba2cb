import { requireFunction } from '@millrace/world'
import { onEnd } from './context.ts'
import type { Context } from './context.ts'
import { requireContext } from './layer.ts'

const settled: Promise<void> = Promise.resolve()

/**
 * Runs `task` once, after `context` has ended; at once if it has ended already.
 *
 * At once means soon: never during this call, nor during the call that ends the context. Nobody waits for
 * the task, so what it throws or rejects with is an unhandled rejection.
 *
 * Returns a function that calls it off. That returns true if it did, and false when the task was already
 * called off or on its way.
 *
 * @throws TypeError when `context` is no context, or `task` no function.
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
