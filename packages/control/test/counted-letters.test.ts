import type { JobOptions } from '@millrace/core/job'
import { deadLetter, type PipelineBuilder } from '@millrace/flow'
import { memory } from '@millrace/connector-memory'
import type { Clock } from '@millrace/world'
import { expect, test } from 'vitest'
import { letterGroups, letterPage } from '../src/letters/letter-rows.ts'
import { dropLetters, lettersOf, type LoggedLetter } from '../src/letters/letters.ts'
import { batches, measuring, type Measuring } from './measuring.ts'

/** What the test has made fail. */
interface Planted {
  readonly operator: string
  readonly message: string
  readonly value: string
  readonly attempts: number
  readonly at: number
}

/** A thousand numbers, of which a step refuses some, and a call fails for some others however often it is made. */
function failing(p: PipelineBuilder, clock: Clock, planted: Planted[]): void {
  const tries = new Map<number, number>()
  const plant = (operator: string, message: string, id: number, attempts: number): void =>
    void planted.push({ operator, message, value: `${id}`, attempts, at: clock.now() })
  let n = 0
  const numbered = p
    .from('numbers', batches(Array.from({ length: 40 }, () => 25)))
    .map(() => n++, { name: 'number' })
  const checked = numbered.map(
    (id) => {
      if (id % 50 !== 7) return id
      const message = id % 100 === 7 ? 'odd one' : 'even one'
      plant('check', message, id, 1)
      throw new Error(message)
    },
    { name: 'check', onError: deadLetter('letters') },
  )
  checked
    .mapAsync(
      'call',
      async (id) => {
        if (id % 90 !== 1) return id
        const attempts = (tries.get(id) ?? 0) + 1
        tries.set(id, attempts)
        if (attempts === 3) plant('call', 'no answer', id, attempts)
        throw new Error('no answer')
      },
      { retry: { attempts: 3, firstDelay: 5, longestDelay: 5 }, onError: deadLetter('letters') },
    )
    .to('out', memory.write())
}

function expectPages(options: JobOptions, all: readonly LoggedLetter[], planted: readonly Planted[]): void {
  const page = letterPage(options, all, 0, 1_000)
  expect([page.total, page.letters.length, page.next]).toEqual([planted.length, planted.length, null])
  const shown = page.letters.map(({ operator, message, value, attempts, failedAt, redrives }) =>
    [operator, message, value, attempts, failedAt, redrives].join(' '),
  )
  const expected = planted.map(({ operator, message, value, attempts, at }) =>
    [operator, message, value, attempts, at, 0].join(' '),
  )
  expect(shown.toSorted()).toEqual(expected.toSorted())
  const pages = [letterPage(options, all, 0, 20), letterPage(options, all, 20, 20)]
  expect(pages.map(({ letters, total, next }) => [letters.length, total, next])).toEqual([
    [20, planted.length, '20'],
    [planted.length - 20, planted.length, null],
  ])
}

function expectGroups(all: readonly LoggedLetter[], planted: readonly Planted[]): void {
  const { groups } = letterGroups(all)
  for (const { operator, message, count, first, last } of groups) {
    const own = planted.filter((each) => each.operator === operator && each.message === message)
    const times = own.map(({ at }) => at)
    expect([message, count, first, last]).toEqual([
      message,
      own.length,
      Math.min(...times),
      Math.max(...times),
    ])
  }
  expect(groups.map(({ count }) => count)).toEqual([12, 10, 10])
}

async function expectCounts(
  { measured, operator, metric }: Measuring,
  planted: readonly Planted[],
): Promise<void> {
  const { options } = measured
  for (const name of ['check', 'call']) {
    const own = planted.filter((each) => each.operator === name).length
    expect(await lettersOf(options, { operator: name })).toHaveLength(own)
    expect(operator(name).deadLettered).toBe(own)
    expect(metric(`millrace_operator_dead_letters_total ${name}`)).toBe(own)
  }
  expect(measured.overview().totals.deadLettered).toBe(planted.length)
  // What was dropped is gone, and the count of the operator remains.
  await dropLetters(options, await lettersOf(options, { operator: 'call' }))
  expect(await lettersOf(options, {})).toHaveLength(20)
  measured.measure()
  expect(operator('call').deadLettered).toBe(12)
}

test.each([1, 3])(
  'dead letters with %i subtasks: how many, why, when and after how many tries are those that were planted',
  async (parallelism) => {
    const planted: Planted[] = []
    await measuring(
      (p, clock) => failing(p, clock, planted),
      async (at) => {
        const { measured, operator, platform } = at
        // All is read, and the last call has failed for good.
        if (platform.clock.monotonic() < 500) return false
        expect(operator('out').recordsIn).toBe(1_000 - planted.length)
        await measured.job.checkpoint()
        measured.measure()
        const all = await lettersOf(measured.options, {})
        expectPages(measured.options, all, planted)
        expectGroups(all, planted)
        await expectCounts(at, planted)
        return true
      },
      { parallelism, directory: 'data' },
    )
  },
)
