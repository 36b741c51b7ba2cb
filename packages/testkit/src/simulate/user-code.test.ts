import { MemorySink, memorySource } from '@millrace/core'
import { output, pipeline, skip, state, type Pipeline } from '@millrace/flow'
import { expect, test } from 'vitest'
import { failureOf } from '../../test/simulation-failure-of.ts'
import { mapping } from '../../test/simulated-pipelines.ts'
import { simulate, simulateSeeds } from './simulate.ts'

// oxlint-disable-next-line no-restricted-properties -- this is the mistake
const random = (n: number): number => n + Math.random()
// oxlint-disable-next-line no-restricted-globals -- this is the mistake
const dated = (n: number): object => ({ n, at: new Date() })
let counter = 0
const counted = (n: number): number => n + counter++
const floating = (n: number): number => {
  void (async () => {
    await Promise.resolve()
    counter++
  })()
  return n
}

test.each([
  ['Math.random', random, 'nondeterminism'],
  ['the date', dated, 'nondeterminism'],
  ['a variable outside of state', counted, 'nondeterminism'],
  ['a promise that nobody waits for', floating, 'unawaited work'],
])('%s in user code is reported with the name of the operator', async (_name, apply, kind) => {
  const failure = await failureOf(simulate(mapping(apply), { seed: 1 }))
  expect(failure).toMatchObject({ kind, where: 'change' })
  expect(failure.message).toContain("'change'")
})

/** Calls for the numbers up to 200, and leaves out those that fail or take too long. */
function calling(apply: (n: number, signal: AbortSignal) => Promise<unknown>): Pipeline {
  return pipeline('calling', (p) => {
    p.from('numbers', memorySource({ all: Array.from({ length: 200 }, (_, n) => n) }))
      .mapAsync('call', apply, { order: 'none', concurrency: 8, timeout: '1s', onError: skip() })
      .to('out', new MemorySink())
  })
}

test.each([
  ['Math.random', random],
  ['a variable outside of state', counted],
])('%s in a function of mapAsync is reported with the name of the operator', async (_name, apply) => {
  const failure = await failureOf(
    simulate(
      calling(async (n) => apply(n)),
      { seed: 1 },
    ),
  )
  expect(failure).toMatchObject({ kind: 'nondeterminism', where: 'call' })
  expect(failure.message).toContain("'call' does not do the same thing twice")
})

test('calls that fail are left out, and nobody is blamed for them', async () => {
  const report = await simulateSeeds(
    calling(async (n) => {
      if (n % 3 === 0) throw new Error('not this one')
      return n
    }),
    { seeds: 10 },
  )
  expect(report.expected['out']).toHaveLength(133)
})

test('a value of state that is changed without set is found, and the failure says that this is a usual cause', async () => {
  const counts = pipeline('counts', (p) => {
    p.from('numbers', memorySource({ all: Array.from({ length: 200 }, (_, n) => n) }))
      .keyBy((n) => n % 5)
      .process('count', {
        emits: output<number>(),
        state: { seen: state.value<number[]>() },
        onRecord: ({ value }, { state: { seen }, emit }) => {
          const numbers = seen.get()
          if (numbers === undefined) seen.set([value])
          else numbers.push(value)
          emit((numbers ?? [value]).length)
        },
      })
      .to('out', new MemorySink())
  })
  const failure = await failureOf(simulateSeeds(counts, { seeds: 50, faults: { kill: 2 } }))
  expect(['missing', 'wrong', 'state']).toContain(failure.kind)
  expect(failure.message).toContain(
    'What usually does this: a variable outside of state; a value of state that is changed without set.',
  )
})
