import type { AsyncNode } from '../graph/node.ts'
import { MillraceError } from '../errors/errors.ts'
import type { TaskSurroundings } from './task.ts'

/**
 * Calls the function of a `mapAsync` for one value. Each call has a signal of its own: it ends with the job, and when the
 * call takes too long.
 */
export async function timedCall(
  { apply, timeoutMs, name }: AsyncNode,
  around: Pick<TaskSurroundings, 'cancellation' | 'platform'>,
  value: unknown,
): Promise<unknown> {
  const cancellation = around.cancellation.child()
  try {
    const { signal } = cancellation
    if (timeoutMs === undefined) return await apply(value, signal)
    const expired = new Promise<never>((_, reject) => {
      cancellation.onCancel(() => reject(signal.reason as Error))
    })
    using _alarm = around.platform.clock.schedule(timeoutMs, () => {
      cancellation.cancel(
        new MillraceError('OPERATOR_FAILED', `'${name}' took longer than ${timeoutMs} ms for one record`),
      )
    })
    return await Promise.race([apply(value, signal), expired])
  } finally {
    cancellation.release()
  }
}
