import type { RunFacts } from '@millrace/simulator'
import { expect, test } from 'vitest'
import { clockInvariant, meetingInvariant } from './held-sink.ts'
import type { Prediction } from './oracle.ts'
import type { Guarantee, SourceSpec, Topology } from './topology.ts'

const gathering: Topology['parts'][number] = {
  kind: 'process',
  name: 'gather',
  from: { node: 'source', output: 'main' },
  policy: undefined,
  poison: undefined,
  by: { kind: 'key' },
  program: {
    keeps: 'value',
    timers: 'clock',
    emitsAtOnce: false,
    keepsMax: 3,
    side: undefined,
    delayMs: 5,
    aheadMs: 0,
  },
}
const calm: RunFacts = { faults: [], hasLost: false, hasFallenBack: false, state: undefined, items: {} }

/** Compares a sink that should contain the figures 1, 2 and 2 with its content; returns the difference. */
function judged(
  batches: readonly (readonly number[])[],
  {
    guarantee = 'exactly-once',
    run = calm,
    isOverdue = false,
  }: { readonly guarantee?: Guarantee; readonly run?: RunFacts; readonly isOverdue?: boolean } = {},
): string | undefined {
  const sinks = [{ name: 'out', from: { node: 'gather', output: 'main' }, guarantee }]
  const topology = {
    seed: 0,
    sources: [],
    parts: [gathering],
    sinks,
    policy: 'fail',
    letters: guarantee,
  } as const
  const figures = new Map([['out', { texts: ['k: 1', 'k: 2', 'k: 2'], isAll: true }]])
  const predicted: Prediction = { records: new Map(), figures }
  try {
    clockInvariant(topology, predicted)(
      { out: batches.map((value) => ({ key: 'k', value, isOverdue })) },
      run,
    )
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

test('figures may be emitted together or one by one, but each once', () => {
  expect(judged([[2, 1], [2]])).toBeUndefined()
  expect(judged([[1], [2], [2]])).toBeUndefined()
  expect(judged([[1, 2]])).toContain('1 (k: 2) are missing')
  expect(judged([[1, 2, 2], [1]])).toContain('1 (k: 1) are unexpected')
})

test('a sink may deviate as far as its guarantee and a damaged checkpoint allow', () => {
  expect(judged([[1, 2, 2], [1]], { guarantee: 'at-least-once' })).toBeUndefined()
  expect(judged([[1, 2, 2], [3]], { guarantee: 'at-least-once' })).toContain('k: 3')
  expect(judged([[1, 2]], { guarantee: 'at-most-once' })).toBeUndefined()
  expect(judged([[1, 2, 2], [1]], { run: { ...calm, hasFallenBack: true } })).toBeUndefined()
  expect(judged([], { run: { ...calm, hasLost: true } })).toBeUndefined()
})

test('a processing timer must not fire only at the end, unless a fault has delayed it', () => {
  const jump = { kind: 'clockJump', life: 0, step: 1, atMs: 1, what: 'by 1 ms' } as const
  expect(judged([[1, 2, 2]], { isOverdue: true })).toContain('should have been emitted earlier')
  expect(judged([[1, 2, 2]], { isOverdue: true, run: { ...calm, faults: [jump] } })).toBeUndefined()
})

test('where a source may fall idle, nothing is expected of two streams that meet, but of one stream', () => {
  const source: SourceSpec = {
    name: 'source',
    durability: 'replayable',
    splits: [{ name: 'split', readings: [], spoiled: [] }],
    disorderMs: 0,
    step: undefined,
  }
  const from = { node: 'source', output: 'main' }
  const common = { name: 'last', from, by: { kind: 'key' }, policy: undefined, poison: undefined } as const
  const judge = (part: Topology['parts'][number], idleAfterMs?: number) => () => {
    const topology: Topology = {
      seed: 0,
      sources: [{ ...source, ...(idleAfterMs !== undefined && { idleAfterMs }) }],
      parts: [part],
      sinks: [{ name: 'out', from: { node: 'last', output: 'main' }, guarantee: 'exactly-once' }],
      policy: 'fail',
      letters: 'exactly-once',
    }
    const predicted = { records: new Map([['out', [{ key: 'k', value: 1 }]]]), figures: new Map() }
    meetingInvariant(topology, predicted)({ out: [] }, calm)
  }
  const joined = { ...common, kind: 'table', other: from, how: { kind: 'enrich', join: 'inner' } } as const
  expect(judge(joined)).toThrow('are missing')
  expect(judge(joined, 5)).not.toThrow()
  expect(judge({ ...joined, how: { kind: 'aggregate' } }, 5)).toThrow('are missing')
  expect(judge({ ...common, kind: 'session', gapMs: 5 }, 5)).toThrow('are missing')
})
