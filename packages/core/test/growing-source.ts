import { sleep } from '@millrace/world'
import type { Source } from '@millrace/core/connector'

/**
 * A source over an array to which values are added between the lives of a job. It never ends, unless the job is
 * bounded.
 */
export function growingSource<T>(values: readonly T[], kind = 'growing'): Source<T, number> {
  return {
    kind,
    durability: 'replayable',
    discover: async () => ({ splits: ['all'], isComplete: true }),
    open: async (_, from = 0, { clock, signal, isBounded }) => {
      let next = from
      return {
        poll: (limit) => {
          if (next >= values.length)
            return isBounded ? { kind: 'end' } : { kind: 'pending', isCaughtUp: true }
          const first = next
          next = Math.min(values.length, first + limit)
          return { kind: 'records', values: values.slice(first, next) }
        },
        ready: () => sleep(clock, 1, signal).catch(() => {}),
        position: () => next,
        close: async () => {},
      }
    },
  }
}
