import { rejected, requireFunction } from '@millrace/world'
import { SharedCall } from './shared-call.ts'

/**
 * Returns a function that runs `work` on its first call only: every call has the same outcome.
 *
 * When `work` throws or rejects, that is the outcome, for all calls. The signal of a call ends that call's wait and not
 * the work. Go's equivalents are `sync.Once`, `OnceFunc` and `OnceValue`.
 *
 * @throws TypeError when `work` is no function.
 *
 * @example
 * const database = once(() => connect(url))
 * await (await database()).query('select 1')
 */
export function once<T>(work: () => Promise<T>): (signal?: AbortSignal) => Promise<T> {
  requireFunction('once', 'the work', work)
  let call: SharedCall<T> | undefined
  return (signal) => {
    if (signal?.aborted) return rejected(signal.reason)
    if (call === undefined) {
      call = new SharedCall()
      void call.start(work)
    }
    return call.join('once', signal)
  }
}
