import type { Source } from '@millrace/core/connector'
import { sleep } from '@millrace/world'

/** Numbers from 0 to before `count`, one in a millisecond. */
export function pacedNumbers(count: number): Source<number, number> {
  return {
    kind: 'paced',
    durability: 'replayable',
    discover: async () => ({ splits: ['all'], isComplete: true }),
    open: async (_split, from = 0, { clock, signal }) => {
      let next = from
      let isRested = true
      return {
        poll: () => {
          if (next >= count) return { kind: 'end' }
          if (!isRested) return { kind: 'pending', isCaughtUp: false }
          isRested = false
          const at = next++
          const place = (): string => `number ${at}`
          const raw = (): Uint8Array => new TextEncoder().encode(String(at))
          return { kind: 'records', values: [at], origin: { source: 'numbers', split: 'all', place, raw } }
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
