import { expect, test } from 'vitest'
import { compareWatches, OperatorWatch } from './determinism.ts'
import type { Finding } from './finding.ts'

const { signal } = new AbortController()

/** One run: what the operator `call` was called for and what came of it, in the order in which the calls ended. */
async function watched(calls: readonly [value: unknown, outcome: () => unknown][]): Promise<OperatorWatch> {
  const watch = new OperatorWatch(1, false)
  for (const [value, outcome] of calls) {
    await watch.callAsync('call', value, signal, async () => outcome()).catch(() => undefined)
  }
  return watch
}

function compared(first: OperatorWatch, second: OperatorWatch): readonly Finding[] {
  return compareWatches(['before', 'call', 'behind'], new Set(), first, second)
}

const gives = (answer: unknown) => () => answer
const fails = (): never => {
  throw new Error('no answer')
}

test('calls that end in another order count as equal', async () => {
  const first = await watched([
    [{ id: 1 }, gives('one')],
    [{ id: 2 }, gives('two')],
    [{ id: 1 }, gives('uno')],
  ])
  const second = await watched([
    [{ id: 1 }, gives('uno')],
    [{ id: 1 }, gives('one')],
    [{ id: 2 }, gives('two')],
  ])
  expect(compared(first, second)).toEqual([])
})

test('a call with a different result is reported with its argument', async () => {
  const first = await watched([
    [1, gives('one')],
    [2, gives('two')],
  ])
  const second = await watched([
    [2, gives('zwei')],
    [1, gives('one')],
  ])
  expect(compared(first, second)).toMatchObject([
    {
      kind: 'nondeterminism',
      where: 'call',
      what: expect.stringContaining(
        `'call' does not do the same thing twice: of the same input and without any fault what it gave for 2 was "two", and then "zwei"`,
      ) as string,
    },
  ])
})

test('a failed call has no result, and the other calls are still compared', async () => {
  const first = await watched([
    [1, fails],
    [2, gives('two')],
    [2, fails],
  ])
  const second = await watched([
    [1, gives('one')],
    [2, gives('zwo')],
    [2, gives('two')],
  ])
  expect(compared(first, second)).toEqual([])
})

test('an abandoned call has no result, whatever it returns later', async () => {
  const late = async (answer: string): Promise<OperatorWatch> => {
    const watch = new OperatorWatch(1, false)
    const call = new AbortController()
    await watch.callAsync('call', 1, call.signal, async () => {
      call.abort()
      return answer
    })
    return watch
  }
  expect(compared(await late('in time'), await late('too late'))).toEqual([])
})

test('a call may change its argument', async () => {
  const counting = async (): Promise<OperatorWatch> => {
    const visit = { seen: 0 }
    return watched([[visit, () => ++visit.seen]])
  }
  const [first, second] = [await counting(), await counting()]
  expect(first.answers.get('call')).toEqual(new Map([['{seen:0}', ['1']]]))
  expect(compared(first, second)).toEqual([])
})

test('of several differences, the first in the graph is reported', async () => {
  const [first, second] = [await watched([[1, gives('a')]]), await watched([[1, gives('b')]])]
  for (const [watch, value] of [
    [first, 1],
    [second, 2],
  ] as const) {
    watch.emitted('behind', value)
  }
  expect(compared(first, second)).toMatchObject([{ where: 'call' }])
  first.emitted('before', 1)
  expect(compared(first, second)).toMatchObject([{ where: 'before' }])
})
