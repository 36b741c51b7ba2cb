import type { ReceiveChannel } from '../channel/channel-end.ts'
import { requireFlow } from '../wait/argument.ts'
import type { Scope } from '../task/scope.ts'

/**
 * Returns a signal that aborts when `channel` is closed and drained: Go's `done` channel as a signal.
 *
 * Values on the channel are received and ignored. When the scope is cancelled first, the signal aborts with its
 * reason.
 *
 * @example
 * const response = await fetch(url, { signal: closedSignal(scope, done) })
 */
export function closedSignal(scope: Scope, channel: ReceiveChannel<unknown>): AbortSignal {
  requireFlow('closedSignal', scope, channel)
  const controller = new AbortController()
  scope.go(async (signal) => {
    try {
      for await (const _ of channel.values(signal));
      controller.abort()
    } catch (error) {
      controller.abort(error)
      throw error
    }
  })
  return controller.signal
}
