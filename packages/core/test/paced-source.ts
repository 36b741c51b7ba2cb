import { sleep } from '@millrace/world'
import type { RecordHeaders } from '@millrace/core'
import { headerColumn, type Source } from '@millrace/core/connector'

/**
 * A bounded source over arrays that hands out `recordsPerMs` and then waits a millisecond, so that checkpoints and
 * other things happen in the middle of the input.
 */
export function pacedSource<T>(
  splits: Readonly<Record<string, readonly T[]>>,
  recordsPerMs: number,
  headersOf: (value: T) => RecordHeaders | undefined = () => undefined,
): Source<T, number> {
  return {
    kind: 'paced',
    durability: 'replayable',
    discover: async () => ({ splits: Object.keys(splits), isComplete: true }),
    open: async (split, from = 0, { clock, signal }) => {
      const values = splits[split]!
      let next = from
      let isRested = true
      return {
        poll: (limit) => {
          if (next >= values.length) return { kind: 'end' }
          if (!isRested) return { kind: 'pending', isCaughtUp: false }
          isRested = false
          const first = next
          next = Math.min(values.length, first + Math.min(limit, recordsPerMs))
          const origin = {
            source: 'events',
            split,
            place: (index: number) => `index ${first + index}`,
            raw: (index: number) => new TextEncoder().encode(JSON.stringify(values[first + index])),
          }
          const taken = values.slice(first, next)
          return { kind: 'records', values: taken, headers: headerColumn(taken, headersOf), origin }
        },
        ready: async () => {
          await sleep(clock, 1, signal)
          isRested = true
        },
        position: () => next,
        close: async () => {},
      }
    },
  }
}
