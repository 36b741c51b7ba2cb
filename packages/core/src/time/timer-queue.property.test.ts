import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KeyToken } from '../record/key-token.ts'
import { TransientTable } from '../state/transient-table.ts'
import type { DueTimer, TimerDomain } from './due-timer.ts'
import type { HeapTimer } from './timer-heap.ts'
import { TimerQueue } from './timer-queue.ts'

interface PlainTimer {
  readonly domain: TimerDomain
  readonly time: number
  readonly name: string
  readonly token: KeyToken
}

const isSame = (a: PlainTimer, b: PlainTimer): boolean =>
  a.domain === b.domain && a.time === b.time && a.name === b.name && a.token === b.token

/** A list in the order of setting; each step searches for the earliest timer. */
class PlainQueue {
  timers: PlainTimer[] = []

  set(timer: PlainTimer): void {
    if (!this.timers.some((other) => isSame(other, timer))) this.timers.push(timer)
  }

  delete(timer: PlainTimer): void {
    this.timers = this.timers.filter((other) => !isSame(other, timer))
  }

  first(domain: TimerDomain): PlainTimer | undefined {
    const timers = this.timers.filter((timer) => timer.domain === domain)
    return timers.toSorted((a, b) => a.time - b.time)[0]
  }

  take(domain: TimerDomain, upTo: number): PlainTimer | undefined {
    const first = this.first(domain)
    if (first === undefined || first.time > upTo) return undefined
    this.delete(first)
    return first
  }
}

const plain = (due: DueTimer | 'searching' | undefined): PlainTimer | 'searching' | undefined =>
  typeof due === 'object' ? { domain: due.domain, time: due.time, name: due.name, token: due.token } : due

const timer: fc.Arbitrary<PlainTimer> = fc.record(
  {
    domain: fc.constantFrom<TimerDomain>('event', 'processing'),
    time: fc.integer({ min: -5, max: 5 }),
    name: fc.constantFrom('', 'x'),
    token: fc.constantFrom<KeyToken>('a', 'b', 1, '1', null),
  },
  { noNullPrototype: true },
)
const step = fc.oneof(
  { weight: 5, arbitrary: timer.map((of) => ({ call: 'set' as const, of })) },
  { weight: 3, arbitrary: timer.map((of) => ({ call: 'delete' as const, of })) },
  { weight: 2, arbitrary: timer.map((of) => ({ call: 'take' as const, of })) },
  { weight: 1, arbitrary: timer.map((of) => ({ call: 'restart' as const, of })) },
)

describe('the queue', () => {
  test('EN-100..104 behaves like a plain list, also across restarts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new TransientTable<HeapTimer | undefined>()
        let queue = new TimerQueue(table, () => 3)
        const list = new PlainQueue()
        for (const { call, of } of steps) {
          if (call === 'set') {
            queue.set(of.domain, of.time, of.name, of.token)
            list.set(of)
          } else if (call === 'delete') {
            queue.delete(of.domain, of.time, of.name, of.token)
            list.delete(of)
          } else if (call === 'take') {
            expect(plain(queue.take(of.domain, of.time))).toStrictEqual(list.take(of.domain, of.time))
          } else {
            queue = new TimerQueue(table, () => 3)
            for (const _ of queue.rebuild());
          }
          for (const domain of ['event', 'processing'] as const) {
            expect(queue.next(domain)).toBe(list.first(domain)?.time ?? Infinity)
          }
          expect(table.size).toBe(list.timers.length)
        }
        for (const domain of ['event', 'processing'] as const) {
          while (list.first(domain) !== undefined) {
            expect(plain(queue.take(domain, 10))).toStrictEqual(list.take(domain, 10))
          }
          expect(queue.take(domain, 10)).toBeUndefined()
        }
      }),
      { numRuns: 500 },
    )
  })

  test('EN-101 EN-106 keeps the order when many timers after one that remains are deleted', () => {
    const moves = fc.array(
      fc.record({ key: fc.nat({ max: 7 }), time: fc.nat({ max: 3 }), isSet: fc.boolean() }),
      {
        minLength: 600,
        maxLength: 600,
        size: 'max',
      },
    )
    fc.assert(
      fc.property(moves, (steps) => {
        const queue = new TimerQueue(new TransientTable<HeapTimer | undefined>(), () => 3)
        const list = new PlainQueue()
        // An earlier timer that stays keeps what is deleted behind it in the heap.
        for (const { key, time, isSet } of [{ key: -1, time: -1, isSet: true }, ...steps]) {
          if (isSet) {
            queue.set('event', time, '', key)
            list.set({ domain: 'event', time, name: '', token: key })
          } else {
            queue.delete('event', time, '', key)
            list.delete({ domain: 'event', time, name: '', token: key })
          }
        }
        while (list.first('event') !== undefined) {
          expect(plain(queue.take('event', 10))).toStrictEqual(list.take('event', 10))
        }
        expect(queue.take('event', 10)).toBeUndefined()
      }),
    )
  })
})
