import type { Sink, Source } from '@millrace/core/connector'
import { sleep } from '@millrace/world'
import { expect, test } from 'vitest'
import { measuring } from './measuring.ts'

/** What the test counts: by split, records that were handed out, and bytes that were written. */
class Counted {
  readonly read = new Map<string, number>()
  written = 0

  get all(): number {
    return [...this.read.values()].reduce((sum, n) => sum + n, 0)
  }
}

/** Splits that end after so many numbers of 8 bytes; a `never` one does not end. */
function ending(counted: Counted, sizes: Readonly<Record<string, number>>): Source<number, number> {
  return {
    kind: 'ending',
    durability: 'replayable',
    discover: async () => ({ splits: Object.keys(sizes), isComplete: true }),
    open: async (split, from = 0, { clock, signal }) => {
      let next = from
      let isRested = true
      return {
        poll: () => {
          if (next === sizes[split]) return { kind: 'end' }
          if (!isRested) return { kind: 'pending', isCaughtUp: false }
          isRested = false
          counted.read.set(split, (counted.read.get(split) ?? 0) + 1)
          return { kind: 'records', values: [next++] }
        },
        ready: async () => {
          await sleep(clock, 1, signal)
          isRested = true
        },
        position: () => next,
        get bytesRead() {
          return (next - from) * 8
        },
        close: async () => {},
      }
    },
  }
}

/** A sink that writes 5 bytes for each number, and one more for each batch. */
function sized(counted: Counted, isCounting: boolean): Sink<number> {
  return {
    kind: 'sized',
    guarantee: 'at-least-once',
    open: async () => {
      let own = 0
      return {
        get bytesWritten() {
          return isCounting ? own : undefined
        },
        write: ({ length }) => {
          own += 5 * length + 1
          counted.written += 5 * length + 1
        },
        prepare: async () => undefined,
        close: async () => {},
      }
    },
  }
}

test.each([1, 3])(
  'with %i subtasks: bytes read, also of splits that have ended, bytes written, and both per second',
  async (parallelism) => {
    const counted = new Counted()
    const looks: number[] = []
    let first: { readonly read: number; readonly written: number; readonly at: number } | undefined
    await measuring(
      (p) => {
        const numbers = p.from('numbers', ending(counted, { a: 20, b: 60, c: 100, d: Infinity }))
        numbers.to('out', sized(counted, true))
      },
      ({ measured, operator, metric, platform }) => {
        const { totals } = measured.overview()
        const read = counted.all * 8
        expect(operator('numbers').bytes).toBe(read)
        expect(operator('out').bytes).toBe(counted.written)
        expect([totals.bytesIn, totals.bytesOut]).toEqual([read, counted.written])
        expect(metric('millrace_operator_bytes_total numbers')).toBe(read)
        expect(metric('millrace_operator_bytes_total out')).toBe(counted.written)
        // The first measurement is the earlier one of all that follow soon.
        const at = platform.clock.monotonic()
        first ??= { read: 0, written: 0, at: measured.interval.before.monotonic }
        if (measured.interval.before.monotonic === first.at) {
          const seconds = (at - first.at) / 1_000
          expect(operator('numbers').bytesRate).toBeCloseTo((read - first.read) / seconds, 6)
          expect(operator('out').bytesRate).toBeCloseTo((counted.written - first.written) / seconds, 6)
        }
        looks.push(operator('numbers').splits!)
        return at > 250
      },
      { parallelism },
    )
    // It was looked at while splits were read, and after they had ended.
    expect(new Set(looks)).toEqual(new Set([4, 3, 2, 1]))
  },
)

test('a sink that does not count its bytes has none, and a source of such readers', async () => {
  await measuring(
    (p) => {
      p.from('numbers', { ...ending(new Counted(), { a: Infinity }), open: silent }).to(
        'out',
        sized(new Counted(), false),
      )
    },
    ({ operator, metric, measured }) => {
      expect([operator('numbers').bytes, operator('out').bytes]).toEqual([null, null])
      expect([operator('numbers').bytesRate, operator('out').bytesRate]).toEqual([null, null])
      expect(metric('millrace_operator_bytes_total out')).toBeUndefined()
      return measured.overview().totals.recordsIn > 10
    },
  )
})

const silent: Source<number, number>['open'] = async (split, from, context) => {
  const { bytesRead: _, ...reader } = await ending(new Counted(), { a: Infinity }).open(split, from, context)
  return reader
}
