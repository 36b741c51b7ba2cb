import { describe, expect, test } from 'vitest'
import { keyGroup } from '../record/key-group.ts'
import { keyToken, type KeyToken } from '../record/key-token.ts'
import { MAX_TIME, MIN_TIME } from '../record/time.ts'
import type { Cell } from '../state/state-store.ts'
import { TransientTable } from '../state/transient-table.ts'
import type { DueTimer, TimerDomain } from './due-timer.ts'
import type { HeapTimer } from './timer-heap.ts'
import { finalLinksMax, TimerQueue } from './timer-queue.ts'

const groupOf = (token: KeyToken): number => keyGroup(token, 128)

function newQueue(table = new TransientTable<HeapTimer | undefined>()): TimerQueue {
  return new TimerQueue(table, groupOf)
}

const story = ({ time, name, token }: DueTimer): string => `${String(token)}@${time}${name && ` ${name}`}`

/** Takes everything due, letting `handle` set further timers, and tells what fired. */
function fire(
  queue: TimerQueue,
  upTo: number,
  handle: (due: DueTimer) => void = () => {},
  domain: TimerDomain = 'event',
): string[] {
  const fired: string[] = []
  for (let due = queue.take(domain, upTo); due !== undefined; due = queue.take(domain, upTo)) {
    if (due === 'searching') continue
    fired.push(story(due))
    handle(due)
  }
  return fired
}

describe('timers', () => {
  test('EN-100 a timer fires when its time is reached, and not before', () => {
    const queue = newQueue()
    queue.set('event', 10, '', 'a')
    expect(fire(queue, 9.999)).toStrictEqual([])
    expect(fire(queue, 10)).toStrictEqual(['a@10'])
    expect(fire(queue, 1000)).toStrictEqual([])
  })

  test('EN-101 timers fire by time, and at one time in the order they were set', () => {
    const queue = newQueue()
    for (const [time, key] of [
      [30, 'c'],
      [10, 'b'],
      [20, 'z'],
      [10, 'a'],
      [-5, 'n'],
      [20, 'y'],
    ] as const) {
      queue.set('event', time, '', key)
    }
    expect(fire(queue, 25)).toStrictEqual(['n@-5', 'b@10', 'a@10', 'z@20', 'y@20'])
    expect(queue.next('event')).toBe(30)
  })

  test('EN-102 timers of two keys with two names at one time fire four times, each with its key', () => {
    const queue = newQueue()
    const keys = [keyToken(['a', 1]), keyToken(7)]
    for (const key of keys) for (const name of ['x', 'y']) queue.set('event', 10, name, key)
    const fired: DueTimer[] = []
    fire(queue, 10, (due) => fired.push(due))
    expect(
      fired.map(({ token, name, group, domain, time }) => [token, name, group, domain, time]),
    ).toStrictEqual(keys.flatMap((key) => ['x', 'y'].map((name) => [key, name, groupOf(key), 'event', 10])))
  })

  test('EN-103 setting the same time, name and key twice sets one timer', () => {
    const table = new TransientTable<HeapTimer | undefined>()
    const queue = newQueue(table)
    for (let i = 0; i < 3; i++) queue.set('event', 10, 'x', 'a')
    expect(table.size).toBe(1)
    expect(fire(queue, 10)).toStrictEqual(['a@10 x'])
    expect(table.size).toBe(0)
  })

  test('EN-103 event timers and processing timers are independent', () => {
    const queue = newQueue()
    queue.set('event', 10, '', 'a')
    queue.set('processing', 10, '', 'a')
    queue.delete('event', 10, '', 'a')
    expect([queue.next('event'), queue.next('processing')]).toStrictEqual([Infinity, 10])
    expect(fire(queue, 10)).toStrictEqual([])
    expect(fire(queue, 10, undefined, 'processing')).toStrictEqual(['a@10'])
  })

  test('EN-104 deleting a timer affects no other timer', () => {
    const queue = newQueue()
    for (const key of ['a', 'b'])
      for (const name of ['x', 'y']) for (const at of [10, 20]) queue.set('event', at, name, key)
    queue.delete('event', 10, 'x', 'a')
    queue.delete('event', 10, 'x', 'a')
    queue.delete('event', 10, 'x', 'never set')
    expect(fire(queue, 20)).toStrictEqual([
      'a@10 y',
      'b@10 x',
      'b@10 y',
      'a@20 x',
      'a@20 y',
      'b@20 x',
      'b@20 y',
    ])
  })

  test('EN-104 a timer that is deleted and set again fires once, after those set in between', () => {
    const queue = newQueue()
    queue.set('event', 10, '', 'a')
    queue.set('event', 10, '', 'b')
    queue.delete('event', 10, '', 'a')
    queue.set('event', 10, '', 'a')
    expect(fire(queue, 10)).toStrictEqual(['b@10', 'a@10'])
  })

  test('EN-105 the queue returns the next due time, also after the earliest timer was deleted', () => {
    const queue = newQueue()
    expect(queue.next('processing')).toBe(Infinity)
    queue.set('processing', 30, '', 'a')
    queue.set('processing', 10, '', 'a')
    expect(queue.next('processing')).toBe(10)
    queue.delete('processing', 10, '', 'a')
    expect(queue.next('processing')).toBe(30)
    queue.delete('processing', 30, '', 'a')
    expect(queue.next('processing')).toBe(Infinity)
  })

  test('EN-106 a timer set by a firing timer fires at its place in the order', () => {
    const queue = newQueue()
    queue.set('event', 10, '', 'a')
    queue.set('event', 30, '', 'b')
    const fired = fire(queue, 30, ({ token, time }) => {
      if (token === 'a' && time < 30) queue.set('event', time + 10, '', 'a')
    })
    expect(fired).toStrictEqual(['a@10', 'a@20', 'b@30', 'a@30'])
  })

  test('EN-107 a timer in the past fires at the next opportunity, once', () => {
    const queue = newQueue()
    queue.set('event', 100, '', 'a')
    expect(fire(queue, 100)).toStrictEqual(['a@100'])
    queue.set('event', 5, '', 'a')
    queue.set('event', MIN_TIME, '', 'b')
    expect(queue.next('event')).toBe(MIN_TIME)
    expect(fire(queue, 100)).toStrictEqual(['b@-Infinity', 'a@5'])
    expect(fire(queue, 100)).toStrictEqual([])
  })

  test('EN-112 a processing timer that was deleted does not fire', () => {
    const queue = newQueue()
    queue.set('processing', 10, '', 'a')
    queue.set('processing', 20, '', 'a')
    queue.delete('processing', 10, '', 'a')
    expect(fire(queue, 100, undefined, 'processing')).toStrictEqual(['a@20'])
  })
})

describe('the end of the input', () => {
  test('EN-093 every pending timer fires in order of time, also one at the maximum time', () => {
    const queue = newQueue()
    for (const at of [MAX_TIME, 1e300, 5]) queue.set('event', at, '', 'a')
    expect(queue.next('event')).toBe(5)
    expect(fire(queue, MAX_TIME)).toStrictEqual(['a@5', 'a@1e+300', 'a@Infinity'])
    expect(fire(queue, MAX_TIME)).toStrictEqual([])
  })

  test('EN-108 a timer that always sets itself again is stopped, and dropped timers are counted', () => {
    const table = new TransientTable<HeapTimer | undefined>()
    const queue = newQueue(table)
    queue.set('event', 0, '', 'a')
    const repeat = ({ time, token }: DueTimer) => queue.set('event', time + 10, '', token)
    expect(fire(queue, 1000, repeat).length).toBe(101)
    expect(queue.dropped).toBe(0)
    const fired = fire(queue, MAX_TIME, repeat)
    expect(fired.length).toBe(1 + finalLinksMax)
    expect([queue.dropped, table.size]).toStrictEqual([1, 0])
  })

  test('EN-108 chains of different keys are counted separately', () => {
    const queue = newQueue()
    for (const key of ['a', 'b', 'c']) queue.set('event', 0, '', key)
    const fired = fire(queue, MAX_TIME, ({ time, token }) => queue.set('event', time + 1, '', token))
    expect(fired.length).toBe(3 * (1 + finalLinksMax))
    expect(queue.dropped).toBe(3)
  })

  test('EN-108 a timer set after all have fired begins a new chain', () => {
    const queue = newQueue()
    const repeat = ({ time, token }: DueTimer) => queue.set('event', time + 1, '', token)
    for (const key of ['a', 'b']) {
      queue.set('event', 0, '', key)
      expect(fire(queue, MAX_TIME, repeat).length).toBeGreaterThanOrEqual(finalLinksMax)
    }
  })

  test('EN-108 a finite chain fires completely', () => {
    const queue = newQueue()
    queue.set('event', 0, 'remind', 'a')
    const steps: Record<string, string> = { remind: 'warn', warn: 'expire' }
    const fired = fire(queue, MAX_TIME, ({ time, name, token }) => {
      if (steps[name] !== undefined) queue.set('event', time + 1000, steps[name], token)
    })
    expect(fired).toStrictEqual(['a@0 remind', 'a@1000 warn', 'a@2000 expire'])
    expect(queue.dropped).toBe(0)
  })

  test('EN-108 a sweep that always sets itself again is stopped', () => {
    const queue = newQueue()
    const cells = new TransientTable<number>()
    cells.create('w', 'k', 0, 1)
    const sweep = (time: number): void => queue.setSweep(time, 'w', () => cells.cells('w'))
    sweep(0)
    expect(fire(queue, MAX_TIME, ({ time }) => sweep(time + 1)).length).toBe(1 + finalLinksMax)
    expect(queue.dropped).toBe(1)
  })
})

describe('sweeps', () => {
  function table(...keys: readonly string[]): TransientTable<number> {
    const cells = new TransientTable<number>()
    for (const [index, key] of keys.entries()) cells.create('w', key, index, index)
    return cells
  }

  test('a sweep fires once for each key that exists when it is due', () => {
    const queue = newQueue()
    const cells = table('a')
    queue.setSweep(10, 'w', () => cells.cells('w'))
    queue.setSweep(10, 'w', () => cells.cells('w'))
    cells.create('w', 'b', 77, 0)
    expect(queue.next('event')).toBe(10)
    expect(fire(queue, 9)).toStrictEqual([])
    const fired: DueTimer[] = []
    fire(queue, 10, (due) => fired.push(due))
    expect(fired).toStrictEqual([
      { domain: 'event', time: 10, name: 'w', token: 'a', group: 0, isSweep: true },
      { domain: 'event', time: 10, name: 'w', token: 'b', group: 77, isSweep: true },
    ])
    expect(queue.next('event')).toBe(Infinity)
  })

  test('a sweep iterates over all keys that exist when it is due', () => {
    const queue = newQueue()
    const log: string[] = []
    const keys = function* (): Iterable<Cell<unknown>> {
      log.push('asked')
      yield* table('a', 'b').cells('w')
      log.push('cleaned up')
    }
    queue.setSweep(10, 'w', keys)
    expect(log).toStrictEqual([])
    queue.set('event', 11, '', 'later')
    const fired = fire(queue, 11, ({ token }) => log.push(String(token)))
    expect(log).toStrictEqual(['asked', 'a', 'b', 'cleaned up', 'later'])
    expect(fired).toStrictEqual(['a@10 w', 'b@10 w', 'later@11'])
  })

  test('a sweep without keys is removed, and the next timer fires', () => {
    const queue = newQueue()
    queue.setSweep(10, 'w', () => [])
    queue.set('event', 20, '', 'a')
    expect(fire(queue, 20)).toStrictEqual(['a@20'])
  })

  test('EN-101 sweeps fire by time and then by name, after keyed timers of the same time', () => {
    const queue = newQueue()
    const cells = table('k')
    const sweep = (time: number, name: string): void => queue.setSweep(time, name, () => cells.cells('w'))
    sweep(10, 'z')
    for (const name of ['a', 'd', 'b', 'e', 'c']) sweep(20, name)
    queue.set('event', 20, 'keyed', 'k')
    queue.set('event', 15, 'keyed', 'k')
    const fired = ['k@10 z', 'k@15 keyed', 'k@20 keyed', 'k@20 a', 'k@20 b', 'k@20 c', 'k@20 d', 'k@20 e']
    expect(fire(queue, 20)).toStrictEqual(fired)
  })

  test('EN-107 a timer in the past that is set during a sweep fires before the sweep continues', () => {
    const queue = newQueue()
    const cells = table('a', 'b')
    queue.setSweep(10, 'w', () => cells.cells('w'))
    const fired = fire(queue, 10, ({ token, name }) => {
      if (token === 'a' && name === 'w') queue.set('event', 5, 'past', 'b')
    })
    expect(fired).toStrictEqual(['a@10 w', 'b@5 past', 'b@10 w'])
  })

  test('a sweep that is set again while it runs fires again', () => {
    const queue = newQueue()
    const cells = table('a', 'b')
    queue.setSweep(10, 'w', () => cells.cells('w'))
    let again = 0
    const fired = fire(queue, 10, () => {
      if (again++ === 0) queue.setSweep(10, 'w', () => cells.cells('w'))
    })
    expect(fired).toStrictEqual(['a@10 w', 'b@10 w', 'a@10 w', 'b@10 w'])
  })

  test('a running sweep finishes before another begins, even an earlier one', () => {
    const queue = newQueue()
    const cells = table('a', 'b')
    queue.setSweep(10, 'w', () => cells.cells('w'))
    const fired = fire(queue, 10, ({ token, time }) => {
      if (token === 'a' && time === 10) queue.setSweep(5, 'early', () => cells.cells('w'))
    })
    expect(fired).toStrictEqual(['a@10 w', 'b@10 w', 'a@5 early', 'b@5 early'])
  })

  test('cells that a handler creates again do not extend a running sweep', () => {
    const queue = newQueue()
    const cells = table('a', 'b')
    queue.setSweep(10, 'w', () => cells.cells('w'))
    const fired = fire(queue, 10, ({ token }) => {
      cells.delete(cells.find('w', token)!)
      cells.create('w', token, 0, 1)
    })
    expect(fired).toStrictEqual(['a@10 w', 'b@10 w'])
  })
})

describe('after a restart', () => {
  test('EN-110 EN-101 saved timers are restored in the same order', () => {
    const table = new TransientTable<HeapTimer | undefined>()
    const before = newQueue(table)
    const keys = ['b', 7, -0.5, 3n, true, null, keyToken([1, 'x']), '', '\ud800', ';', 'a'].map(keyToken)
    for (const key of keys) before.set('event', 10, 'n;1', key)
    before.set('event', -2.5, '', 'first')
    before.set('event', MAX_TIME, '', 'last')
    before.set('processing', 1_700_000_000_000, 'p', 'a')
    before.delete('event', 10, 'n;1', 'b')
    before.set('event', 10, 'n;1', 'b')

    const after = newQueue(table)
    for (const _ of after.rebuild());
    expect([after.next('event'), after.next('processing')]).toStrictEqual([-2.5, 1_700_000_000_000])
    const fired: DueTimer[] = []
    fire(after, MAX_TIME, (due) => fired.push(due))
    expect(fired.map(({ token }) => token)).toStrictEqual(['first', ...keys.slice(1), 'b', 'last'])
    expect(fired.map(({ time }) => time)).toStrictEqual([-2.5, ...keys.map(() => 10), MAX_TIME])
    expect(fired[1]?.name).toBe('n;1')
    expect(fire(after, Infinity, undefined, 'processing')).toStrictEqual(['a@1700000000000 p'])
    expect(table.size).toBe(0)
  })

  test('EN-110 a timer keeps the key group it was saved with', () => {
    const table = new TransientTable<HeapTimer | undefined>()
    newQueue(table).set('event', 10, '', 'a')
    const after = newQueue(table)
    for (const _ of after.rebuild());
    expect(after.take('event', 10)).toMatchObject({ group: groupOf('a') })
  })

  test('EN-110 restored timers can be deleted, and setting them again sets no second one', () => {
    const table = new TransientTable<HeapTimer | undefined>()
    const before = newQueue(table)
    for (const key of ['a', 'b']) before.set('event', 10, '', key)
    const after = newQueue(table)
    for (const _ of after.rebuild());
    after.delete('event', 10, '', 'a')
    after.set('event', 10, '', 'b')
    expect(fire(after, 10)).toStrictEqual(['b@10'])
  })
})
